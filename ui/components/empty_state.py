"""What a list shows while there is nothing in it: why, and what to do next."""

from nicegui import ui

from ui.components.text import Text, box, heading, icon


def empty_state(title: str, text: str, *, symbol: str = "spark", level: int = 2) -> ui.element:
    """Use as a context to add the buttons: `with empty_state(…): Button(…)`."""
    with box("ts-empty"):
        with box("ts-empty-icon"):
            icon(symbol)
        heading(title, level)
        Text("p", text, "ts-muted")
        actions = box("ts-actions")
    return actions
