"""A custom model in the list: what made it, on which base, and how well it did."""

from core.models.custom import CustomModel
from ui import routes
from ui.components.clock import short_date
from ui.components.method_words import METHOD_WORDS
from ui.components.quantity import size_of
from ui.components.text import Text, box, icon, link
from ui.texts import say


def custom_model_card(model: CustomModel) -> None:
    words = METHOD_WORDS[model.method]
    with box("ts-card ts-dataset ts-model", "article").mark(f"custom-{model.id}"):
        with box("ts-dataset-head"):
            Text("span", words.name[:1], f"ts-logo ts-badge-{words.tone}").props("aria-hidden=true")
            with box("ts-option-text"):
                with box("ts-dataset-name", "h2"):
                    link(model.name, routes.custom_model(model.id), "ts-row-title").props["title"] = model.name
                Text("span", say("on {model}", model=model.base_name), "ts-option-sub")
        with box("ts-dataset-badges"):
            Text("span", words.name, f"ts-badge ts-badge-{words.tone}")
            for tag in model.tags[:4]:
                Text("span", tag, "ts-badge ts-badge-grey")
        with box("ts-dataset-facts", "dl"):
            _fact("Dataset", model.dataset_name or "not told")
            for term, value in (("Evaluation loss", model.eval_loss), ("Loss", model.loss)):
                if value is not None:
                    _fact(term, f"{value:.4f}")
            _fact("Size on disk", size_of(model.bytes))
        with box("ts-dataset-foot"):
            icon("clock")
            Text("span", f"{short_date(model.created_at)} · {model.created_by}")


def _fact(term: str, value: str) -> None:
    with box("ts-dataset-fact"):
        Text("dt", term)
        Text("dd", value, "ts-clip").props["title"] = say(value)
