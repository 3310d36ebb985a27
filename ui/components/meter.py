"""A part of a whole as a bar, with its figures beside it in words."""

from nicegui import ui

from ui.components.text import Text, box
from ui.texts import say

#: From here on a meter asks for attention.
HIGH = 0.9


class Meter:
    """`label` names it; the figures change."""

    def __init__(self, label: str) -> None:
        with box("ts-meter"):
            with box("ts-meter-line"):
                Text("span", label)
                self._text = Text("span", "", "ts-muted")
            self._bar = ui.element("meter").classes("ts-meter-bar").props("min=0 max=1")
            self._bar.props["high"], self._bar.props["aria-label"] = HIGH, say(label)

    def show(self, share: float, text: str) -> None:
        self._text.text = text
        value = round(min(max(share, 0.0), 1.0), 2)
        if self._bar.props.get("value") != value:
            self._bar.props["value"] = value
