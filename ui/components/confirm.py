"""Are you sure? For what cannot be taken back."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from ui.components.button import Button
from ui.components.text import Text, box, heading
from ui.texts import say


def confirm(title: str, text: str, *, yes: str, no: str, on_yes: Callable[[], Awaitable[None]]) -> ui.dialog:
    """Closed at first; `open()` it."""

    async def agree() -> None:
        await on_yes()
        dialog.close()

    with ui.dialog().props("role=alertdialog") as dialog, box("ts-dialog"):
        dialog.props["aria-label"] = say(title)
        heading(title, 2)
        Text("p", text, "ts-muted")
        with box("ts-dialog-foot"):
            Button(no, dialog.close)
            Button(yes, agree, kind="danger")
    return dialog
