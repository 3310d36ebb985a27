"""An import under way: how far it is, and a way to stop it. The work goes on without the page."""

from collections.abc import Awaitable, Callable

from nicegui import Client, background_tasks, ui

from core.datasets.arrivals import Arrival
from ui import routes
from ui.components.button import Button
from ui.components.quantity import counted, size_of
from ui.components.text import Text, aria, box, heading
from ui.texts import say

LOOK_EVERY_S = 0.3


class ImportProgress:
    """`on_dataset` gets the dataset's id (else the page goes there); `on_over` is called when there is none."""

    def __init__(
        self,
        arrival: Arrival,
        on_over: Callable[[Arrival], Awaitable[None]],
        on_dataset: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._on_dataset = on_dataset or _go_there
        self._arrival = arrival
        self._on_over = on_over
        with box("ts-card ts-arrived", "section", label="Import").mark("importing"):
            heading(arrival.title, 2)
            self._bar = ui.element("progress").classes("ts-progress").props(aria("Import progress"))
            with box("ts-zone-line ts-zone-numbers"):
                self._text = Text("span", "", "")
                self._rows = Text("span", "", "")
            with box("ts-step-foot"):
                Button("Cancel", arrival.cancel).mark("cancel-import")
        self._timer = ui.timer(LOOK_EVERY_S, self._look)
        self._show()

    def _look(self) -> None:
        if not self._arrival.is_over:
            self._show()
            return
        self._timer.cancel()
        # Not here: whoever is told clears the page, and with this timer what runs in it would end.
        background_tasks.create(self._end(ui.context.client), name="import over")

    async def _end(self, client: Client) -> None:
        with client:
            if self._arrival.dataset_id:
                await self._on_dataset(self._arrival.dataset_id)
            else:
                await self._on_over(self._arrival)

    def _show(self) -> None:
        progress = self._arrival.progress
        if progress.total:
            self._bar.props["max"], self._bar.props["value"] = progress.total, progress.done
        share = (
            say("{percent} % of {size}", percent=100 * progress.done // progress.total, size=size_of(progress.total))
            if progress.total
            else ""
        )
        self._text.text = f"{say(progress.phase)} {share}".strip()
        self._rows.text = counted(progress.rows, "rows") if progress.rows else ""


async def _go_there(dataset_id: str) -> None:
    ui.navigate.to(routes.dataset(dataset_id))
