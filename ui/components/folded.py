"""A part of a form that most do not need: its title, and on a click the rest."""

from types import TracebackType

from nicegui import ui

from ui.components.text import Text, box


class Folded:
    """`with Folded("Title"): …`. The browser folds; nothing is asked of the server."""

    def __init__(self, title: str, *, is_open: bool = False, marker: str = "fold") -> None:
        with ui.element("details").classes("ts-panel ts-folded").mark(marker) as self._details:
            with box("ts-folded-head", "summary"):
                Text("span", title, "ts-h3")
            self._body = box("ts-folded-body")
        if is_open:
            self.open()

    def open(self) -> None:
        self._details.props("open")

    def __enter__(self) -> ui.element:
        return self._body.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._body.__exit__(kind, error, trace)
