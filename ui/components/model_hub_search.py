"""The Hugging Face Hub: find a model, see what it is, fetch it."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from core.errors import StudioError
from core.models.hub import HubModel, ModelSearch
from ui.components.button import Button
from ui.components.method_words import millions
from ui.components.text import Text, box, heading, icon
from ui.texts import say
from ui.threads import in_own_thread

GATED = (
    "Gated models need their terms accepted on their page on the hub, and a token of that account: store it with "
    "`tunesmith secrets set huggingface`, or start Tunesmith with HF_TOKEN."
)


class ModelHubSearch:
    """`on_fetch` gets the model's name."""

    def __init__(self, search: ModelSearch, on_fetch: Callable[[str], Awaitable[None]]) -> None:
        self._search = search
        self._on_fetch = on_fetch
        with box("ts-card ts-hub", "section", label="Hugging Face Hub"):
            heading("Fetch from the Hugging Face Hub", 2)
            Text("p", "Language models with safetensors. Code that comes with a model is never run.", "ts-muted")
            with box("ts-filters"):
                self._words = ui.input(placeholder=say("Search models, or owner/name")).props(
                    "outlined dense type=search"
                )
                self._words.classes("ts-input ts-search").mark("hub-search").on("keydown.enter", self._find, [])
                self._words.props["aria-label"] = say("Search the Hugging Face Hub")
                with self._words.add_slot("prepend"):
                    icon("search")
                Button("Search", self._find).mark("hub-find")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("hub-problem")
            self._list = box("ts-options ts-files")
            self._help = Text("p", GATED, "ts-muted ts-note").mark("gated-help")
            self._help.visible = False

    async def _find(self) -> None:
        words = (self._words.value or "").strip()
        self._problem.text = ""
        self._list.clear()
        self._help.visible = False
        try:
            found = await in_own_thread(self._search.find, words)
        except StudioError as error:
            self._problem.text = str(error)
            found = []
        with self._list:
            for model in found:
                self._entry(model)
            if words.count("/") == 1 and words not in {model.id for model in found}:
                self._named(words)
            elif not found and not self._problem.text:
                Text("p", "The hub has no model of that name with safetensors.", "ts-options-empty")
        self._help.visible = any(model.is_gated for model in found)

    def _entry(self, model: HubModel) -> None:
        size = (
            say("{parameters} parameters", parameters=millions(model.parameters))
            if model.parameters
            else "size unknown"
        )
        about = say(
            "{size} · {licence} · {count:,} download | {size} · {licence} · {count:,} downloads",
            size=size,
            licence=model.licence or "no licence told",
            count=model.downloads,
        )
        self._line(model.id, about, is_gated=model.is_gated)

    def _named(self, name: str) -> None:
        """Not everything can be searched for: a private model, or one that the hub tags as something else."""
        self._line(name, "Exactly this name", is_gated=False)

    def _line(self, name: str, about: str, *, is_gated: bool) -> None:
        with box("ts-option ts-option-line"):
            with box("ts-option-text", "span"):
                Text("span", name, "ts-option-name")
                Text("span", about, "ts-option-sub")
            if is_gated:
                Text("span", "Gated", "ts-badge ts-badge-amber")
            Button("Fetch", partial(self._on_fetch, name), label=say("Fetch {name}", name=name)).mark(f"hub-{name}")
