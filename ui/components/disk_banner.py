"""Says on every page that the disk is short, for as long as it is."""

from nicegui import ui

from core.studio import Studio
from ui.components.text import Text, box, icon
from ui.threads import in_thread

INTERVAL_S = 5.0


class DiskBanner:
    def __init__(self, studio: Studio, shortage: str) -> None:
        self._studio = studio
        self._box = box("ts-card ts-warnings", "section", label="Disk").props("role=alert")
        with self._box, box("ts-warning"):
            icon("alert")
            self._text = Text("p", "")
        ui.timer(INTERVAL_S, self._look, immediate=False)
        self._show(shortage)

    async def _look(self) -> None:
        self._show(await in_thread(self._studio.home.shortage))

    def _show(self, shortage: str) -> None:
        self._text.text = shortage
        self._box.visible = bool(shortage)


async def disk_banner(studio: Studio) -> None:
    DiskBanner(studio, await in_thread(studio.home.shortage))
