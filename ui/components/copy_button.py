"""Copies a text on click and shows a tick. The clipboard work is in `static/tunesmith.js`, on plain http too."""

from nicegui import ui

from ui.components.text import Text, box, icon
from ui.texts import say


def copy_button(text: str, what: str) -> ui.element:
    """`what` names the thing for screen readers: "job id" becomes "Copy job id"."""
    button = ui.element("button").classes("ts-copy")
    button.props["type"] = "button"
    button.props["data-copy"] = text
    button.props["aria-label"] = button.props["title"] = say("Copy {what}", what=say(what))
    with button:
        icon("copy")
        icon("check")
    return button


def copyable(text: str, what: str, *, shown: str = "") -> None:
    """An id in monospace with its copy button. Long ids are cut on screen, never in the clipboard."""
    with box("ts-id"):
        Text("span", shown or text).props["title"] = text
        copy_button(text, what)
