"""The same questions, answered by the base model and by the tuned one."""

from collections.abc import Iterable

from nicegui import ui

from storage.events import Sample
from ui.components.text import Text, box, heading


class BeforeAfter:
    """Invisible until there is a first answer."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = {(sample.index, sample.tuned): sample for sample in samples}
        with box("ts-card", "section", label="Before and after") as self._card:
            heading("Before and after", 2)
            Text("p", "Held-out questions, answered by the base model and by your tuned model.", "ts-muted")
            self._list = box("ts-samples")
        self._draw()

    def add(self, samples: Iterable[Sample]) -> None:
        found = {(sample.index, sample.tuned): sample for sample in samples}
        if found:
            self._samples |= found
            self._draw()

    def clear(self) -> None:
        self._samples.clear()
        self._draw()

    def _draw(self) -> None:
        self._card.visible = bool(self._samples)
        self._list.clear()
        with self._list:
            for index in sorted({index for index, _ in self._samples}):
                _sample(self._samples.get((index, False)), self._samples.get((index, True)))


def _sample(before: Sample | None, after: Sample | None) -> None:
    known = before or after
    if known is None:
        return
    with box("ts-sample", "article"):
        with box("ts-sample-prompt"):
            Text("span", "Prompt", "ts-tag")
            Text("p", known.prompt)
        with box("ts-answers"):
            _answer("Before", before, "ts-answer")
            _answer("After", after, "ts-answer ts-answer-tuned")
        with ui.element("details").classes("ts-expected"):
            Text("summary", "The dataset's own answer")
            Text("p", known.expected)


def _answer(title: str, sample: Sample | None, classes: str) -> None:
    with box(classes):
        Text("span", title, "ts-tag")
        Text("p", sample.answer if sample else "Not answered yet.", "" if sample else "ts-muted")
