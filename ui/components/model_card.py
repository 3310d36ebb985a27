"""A base model in the library: what it is, how large, and whether it can be trained now."""

from collections.abc import Awaitable, Callable
from functools import partial

from core.models.library import ModelInfo
from ui import routes
from ui.components.button import Button
from ui.components.method_words import millions
from ui.components.quantity import counted, size_of
from ui.components.text import Text, box, link
from ui.texts import say

SOURCES = {
    "hub": "From the hub",
    "cache": "From the Hugging Face cache",
    "folder": "From a folder",
    "upload": "Uploaded",
}


def model_card(info: ModelInfo, tuned: int, on_delete: Callable[[ModelInfo], Awaitable[None]]) -> None:
    """`tuned`: how many custom models were made of it."""
    with box("ts-card ts-dataset ts-model", "article").mark(f"model-{info.id}"):
        with box("ts-dataset-head"):
            Text("span", info.provider[:1].upper(), "ts-logo").props("aria-hidden=true")
            with box("ts-option-text"):
                Text("h2", info.name, "ts-dataset-name").props["title"] = info.name
                Text("span", f"{info.provider} · {info.id}", "ts-option-sub")
            if not info.ready:
                Text("span", "Being prepared", "ts-badge ts-badge-amber")
        with box("ts-dataset-badges"):
            Text("span", info.licence, "ts-badge ts-badge-grey").props["title"] = say("Licence, as its repository says")
            if info.model_type:
                Text("span", info.model_type, "ts-badge ts-badge-blue").props["title"] = say("Model type")
            if info.is_starter:
                Text("span", "Starter", "ts-badge ts-badge-violet")
        with box("ts-dataset-facts", "dl"):
            _fact("Parameters", millions(info.parameters))
            _fact("Size on disk", size_of(info.bytes) if info.bytes else "not made yet")
            _fact("Context", counted(info.context_length, "tokens"))
            with box("ts-dataset-fact"):
                Text("dt", "Tuned models")
                with box("", "dd"):
                    if tuned:
                        link(str(tuned), routes.models("custom", q=info.id)).mark(f"tuned-of-{info.id}")
                    else:
                        Text("span", "None yet")
        with box("ts-dataset-foot"):
            Text("span", SOURCES.get(info.source, "Comes with Tunesmith"))
            with box("ts-push ts-actions"):
                if info.ready and not info.is_starter:
                    remove = Button(
                        "",
                        partial(on_delete, info),
                        kind="ghost",
                        icon="trash",
                        label=say("Delete {name}", name=info.name),
                    )
                    remove.mark(f"delete-{info.id}")
                if info.ready:
                    link("Deploy", routes.deployments(info.id), "ts-button ts-secondary ts-button-link")
                    link("Fine-tune", routes.wizard(model=info.id), "ts-button ts-secondary ts-button-link")


def _fact(term: str, value: str) -> None:
    with box("ts-dataset-fact"):
        Text("dt", term)
        Text("dd", value)
