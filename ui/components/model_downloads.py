"""Models on their way here: how far each is, and a way to stop it, to go on, or to throw away what has come."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from core.errors import StudioError
from core.models.downloads import Downloads, Look
from ui.components.button import Button
from ui.components.quantity import size_of
from ui.components.text import Text, box
from ui.texts import say
from ui.threads import in_thread

LOOK_EVERY_S = 1.0
STATES = {
    "running": "",
    "elsewhere": "A command or another studio fetches it.",
    "stopped": "Stopped. What has arrived is kept.",
    "failed": "",
}


class ModelDownloads:
    """`await start()` fills it. `on_arrived` is called when one has become a model."""

    def __init__(self, downloads: Downloads, on_arrived: Callable[[], Awaitable[None]]) -> None:
        self._downloads = downloads
        self._on_arrived = on_arrived
        self._running: set[str] = set()
        self._shown: list[tuple[str, str]] = []
        self._rows: dict[str, tuple[Text, ui.element]] = {}
        self._list = box("ts-downloads").mark("downloads")
        self._problem = Text("p", "", "ts-error").props("role=alert")
        self._problem.visible = False
        ui.timer(LOOK_EVERY_S, self.look, immediate=False)

    async def look(self) -> None:
        found = await in_thread(self._downloads.all)
        running = {one.name for one in found if one.state == "running"}
        has_arrived = bool(self._running - {one.name for one in found})
        self._running = running
        if [(one.name, one.state) for one in found] != self._shown:
            self._build(found)
        for one in found:
            self._follow(one)
        if has_arrived:
            await self._on_arrived()

    def _build(self, found: list[Look]) -> None:
        self._shown = [(one.name, one.state) for one in found]
        self._rows = {}
        self._list.clear()
        with self._list:
            for one in found:
                self._row(one)

    def _row(self, one: Look) -> None:
        with box("ts-card ts-download", "section").mark(f"download-{one.name}") as row:
            row.props["aria-label"] = say("Download of {name}", name=one.name)
            with box("ts-zone-line"):
                Text("span", one.name, "ts-zone-name").props["title"] = one.name
                with box("ts-actions"):
                    self._actions(one)
            bar = ui.element("progress").classes("ts-progress")
            bar.props["aria-label"] = say("Progress of {name}", name=one.name)
            with box("ts-zone-line ts-zone-numbers"):
                words = Text("span", "").props("role=status")
            if one.problem or STATES[one.state]:
                Text("p", one.problem or STATES[one.state], "ts-error" if one.problem else "ts-muted")
            self._rows[one.name] = (words, bar)

    def _actions(self, one: Look) -> None:
        if one.state == "running":
            Button("Stop", partial(self._stop, one.name)).mark(f"stop-{one.name}")
        elif one.state != "elsewhere":
            Button("Go on" if one.progress.done else "Try again", partial(self._again, one), kind="primary").mark(
                f"resume-{one.name}"
            )
            Button("Throw away" if one.progress.done else "Dismiss", partial(self._discard, one.name)).mark(
                f"discard-{one.name}"
            )

    def _follow(self, one: Look) -> None:
        words, bar = self._rows[one.name]
        done, total = one.progress.done, one.progress.total
        share = " " + say("{percent} % of {size}", percent=100 * done // total, size=size_of(total)) if total else ""
        phase = {"starting": "Asking the hub", "Downloading": ""}.get(one.progress.phase, one.progress.phase)
        words.text = f"{phase}{share}".strip() if one.state == "running" or share else ""
        bar.visible = one.state == "running" or done > 0
        if total:
            bar.props["max"], bar.props["value"] = total, min(done, total)
        else:
            bar.props.pop("value", None)

    async def _stop(self, name: str) -> None:
        await in_thread(self._downloads.cancel, name)

    async def _again(self, one: Look) -> None:
        await self._try(lambda: self._downloads.start(one.name, one.revision))

    async def _discard(self, name: str) -> None:
        await self._try(lambda: self._downloads.discard(name))

    async def _try(self, work: Callable[[], object]) -> None:
        self._problem.visible = False
        try:
            await in_thread(work)
        except StudioError as error:
            self._problem.text, self._problem.visible = str(error), True
        await self.look()
