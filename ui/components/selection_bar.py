"""What can be done with the jobs that are chosen in the list: compare, cancel, delete."""

from collections.abc import Callable, Sequence

from nicegui import ui

from core.studio import Studio
from ui import routes
from ui.components.button import Button
from ui.components.job_commands import ask_cancel_chosen, ask_delete_chosen
from ui.components.text import Text, box
from ui.texts import say


class SelectionBar:
    """Invisible while nothing is chosen. `on_clear` lets everything go."""

    def __init__(self, studio: Studio, on_clear: Callable[[], None]) -> None:
        self._ids: tuple[str, ...] = ()
        with box("ts-selection", label="Chosen jobs").props("role=toolbar").mark("selection") as self._bar:
            self._count = Text("span", "", "ts-strong").props("role=status")
            self._compare = Button("Compare", lambda: ui.navigate.to(routes.compare(self._ids)), icon="tune")
            Button("Cancel", lambda: ask_cancel_chosen(studio, self._ids), icon="stop").mark("cancel-chosen")
            Button("Delete", lambda: ask_delete_chosen(studio, self._ids), icon="trash").mark("delete-chosen")
            Button("Clear", on_clear, kind="ghost").mark("clear-chosen")
        self._compare.mark("compare-chosen").tooltip(say("Choose two or more"))
        self.show(())

    def show(self, ids: Sequence[str]) -> None:
        self._ids = tuple(ids)
        self._bar.visible = bool(ids)
        self._count.text = say("{count:,} chosen", count=len(ids))
        self._compare.set_enabled(len(ids) > 1)
