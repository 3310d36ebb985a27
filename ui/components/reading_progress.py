"""An export that is read: how far it is, and a way to stop it. The work goes on without the page."""

from collections.abc import Awaitable, Callable

from nicegui import Client, background_tasks, ui

from core.conversations.imports import Reading
from ui.components.button import Button
from ui.components.import_progress import LOOK_EVERY_S
from ui.components.quantity import counted
from ui.components.text import Text, aria, box, heading
from ui.texts import say


class ReadingProgress:
    """`on_over` is called once, when there are conversations, or a problem, or it was cancelled."""

    def __init__(self, reading: Reading, on_over: Callable[[Reading], Awaitable[None]]) -> None:
        self._reading = reading
        self._on_over = on_over
        with box("ts-card ts-arrived", "section", label="Reading the export").mark("reading"):
            heading(say("Reading {name}", name=reading.name), 2)
            self._bar = ui.element("progress").classes("ts-progress").props(aria("Reading progress"))
            with box("ts-zone-line ts-zone-numbers"):
                self._share = Text("span", "")
                self._found = Text("span", "")
            with box("ts-step-foot"):
                Button("Cancel", reading.cancel).mark("cancel-reading")
        self._timer = ui.timer(LOOK_EVERY_S, self._look)
        self._show()

    def _look(self) -> None:
        if not self._reading.is_over:
            self._show()
            return
        self._timer.cancel()
        # Not here: whoever is told clears the page, and with this timer what runs in it would end.
        background_tasks.create(self._end(ui.context.client), name="reading over")

    async def _end(self, client: Client) -> None:
        with client:
            await self._on_over(self._reading)

    def _show(self) -> None:
        progress = self._reading.progress
        if progress.total:
            self._bar.props["max"], self._bar.props["value"] = progress.total, min(progress.done, progress.total)
            self._share.text = f"{min(100, 100 * progress.done // progress.total)} %"
        self._found.text = counted(progress.found, "conversations") if progress.found else ""
