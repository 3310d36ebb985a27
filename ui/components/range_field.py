"""A slider that the browser brings itself: with all its keys, and named for screen readers."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.texts import say


class RangeField(ui.element):
    """Calls `on_change(value)` when the handle is let go, not on its way."""

    def __init__(self, label: str, value: float, most: float, step: float, on_change: Callable[[float], Any]) -> None:
        super().__init__("input")
        self.classes("ts-range").props(f"type=range min=0 step={step:g}")
        self.props["aria-label"] = say(label)
        self.show(value, most)
        self.on("change", lambda event: on_change(float(event.args)), js_handler="(e) => emit(e.target.value)")

    def show(self, value: float, most: float) -> None:
        self.props["max"] = most
        self.props["value"] = value
        self.update()
