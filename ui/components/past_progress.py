"""A run of a million steps is read for some seconds when it is first opened: the page comes first, and says how far."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nicegui import background_tasks, ui

from core.feed import Feed
from ui.components.text import Text, aria, box
from ui.texts import say
from ui.threads import in_thread

#: A page that is complete when it arrives is worth waiting so long for; NiceGUI itself gives up after 3 s.
PATIENCE_S = 1.0
LOOK_EVERY_S = 0.5


class PastProgress:
    """Stands where it is made; invisible unless reading takes long."""

    def __init__(self, feed: Feed, job_ids: Sequence[str]) -> None:
        self._feed = feed
        self._job_ids = tuple(job_ids)
        with box("ts-stretch").props("role=status").mark("past-progress") as self._box:
            self._words = Text("p", "", "ts-note")
            self._bar = ui.element("progress").classes("ts-progress").props("max=100").props(aria("Reading progress"))
        self._box.visible = False

    async def show_until(self, read: Callable[[], Awaitable[None]], patience_s: float = PATIENCE_S) -> None:
        """Returns when `read` is over, or takes longer than that; then it goes on by itself."""
        reading = background_tasks.create(read(), name=f"past of {', '.join(self._job_ids)}")
        await asyncio.wait({reading}, timeout=patience_s)
        if reading.done():
            reading.result()
            return
        self._box.visible = True
        await self._look()
        with self._box:
            timer = ui.timer(LOOK_EVERY_S, self._look)

        def end(_: object) -> None:
            timer.cancel()
            self._box.visible = False

        reading.add_done_callback(end)

    async def _look(self) -> None:
        share = await in_thread(self._feed.share_read, self._job_ids)
        self._bar.props["value"] = round(100 * share)
        self._words.text = say("Reading what was measured so far: {share} %", share=round(100 * share))
