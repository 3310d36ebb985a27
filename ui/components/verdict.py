"""Whether a dataset may be trained on, in one mark and one sentence."""

from storage.tables import Dataset
from ui.components.quantity import counted
from ui.components.text import Text, box, icon
from ui.texts import say


def verdict_of(dataset: Dataset) -> tuple[str, str]:
    """(the suffix of its class, the sentence)"""
    if dataset.errors:
        return "bad", say(
            "{rows} with errors: to be dropped or mended before training", rows=counted(dataset.errors, "rows")
        )
    if dataset.warnings:
        return "warned", say("{rows} with warnings; it can be trained on", rows=counted(dataset.warnings, "rows"))
    return "good", "Every row is fine"


def verdict_mark(dataset: Dataset) -> None:
    """For cards: the mark alone, with the sentence for those who ask."""
    tone, sentence = verdict_of(dataset)
    with box(f"ts-verdict ts-verdict-{tone}", "span") as mark:
        mark.props("role=img")
        mark.props["aria-label"] = mark.props["title"] = say(sentence)
        icon("check" if tone == "good" else "alert")


def verdict_line(dataset: Dataset) -> None:
    tone, sentence = verdict_of(dataset)
    with box(f"ts-verdict-line ts-verdict-{tone}").mark("verdict"):
        icon("check" if tone == "good" else "alert")
        Text("span", sentence)
