"""What the data folder takes, part by part. Measured after the page is there: it may take seconds."""

from nicegui import ui

from core.studio import Studio
from ui.components.meter import Meter
from ui.components.quantity import size_of
from ui.components.text import Text, box
from ui.texts import say
from ui.threads import in_own_thread


class DiskUse:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._parts = box("ts-stat-meters").mark("disk-use")
        with self._parts:
            Text("p", "Measuring…", "ts-muted").props("role=status")
        ui.timer(0, self._measure, once=True)

    async def _measure(self) -> None:
        parts = await in_own_thread(self._studio.installation.parts)
        if self._parts.is_deleted:
            return
        total = sum(part.bytes for part in parts)
        self._parts.clear()
        with self._parts:
            Text("p", say("{size} in all", size=size_of(total)), "ts-strong")
            for part in (part for part in parts if part.bytes):
                # Each is told against the whole, so no meter warns.
                Meter(part.title).show(min(part.bytes / max(total, 1), 0.89), size_of(part.bytes))
