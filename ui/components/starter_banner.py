"""Says that the starter model is being made, how far it is, and what to do when that failed."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from core.errors import StudioError
from core.models.starter import StarterState
from core.studio import Studio
from ui.components.button import Button
from ui.components.text import Text, aria, box
from ui.texts import say
from ui.threads import in_thread

INTERVAL_S = 1.0


class StarterProgress:
    """A line of text, a bar, and Retry. Invisible once the model is ready; `on_ready` is called then."""

    def __init__(
        self,
        studio: Studio,
        state: StarterState,
        *,
        classes: str = "ts-banner",
        on_ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._studio = studio
        self._on_ready = on_ready
        self.is_ready = state.kind == "ready"
        with box(classes).props("role=status") as self._box:
            with box("ts-banner-line"):
                self._text = Text("span", "")
                self._retry = Button("Retry", self._again)
            self._bar = ui.element("progress").classes("ts-progress").props(aria("Starter model"))
        self._timer = ui.timer(INTERVAL_S, self._look, immediate=False, active=not self.is_ready)
        self._show(state)

    async def _look(self) -> None:
        self._show(await in_thread(self._studio.models.starter.state))
        if self.is_ready and self._on_ready:
            await self._on_ready()

    async def _again(self) -> None:
        try:
            await in_thread(self._studio.models.starter.prepare)
        except StudioError as error:
            self._show(StarterState(kind="failed", detail=str(error)))
            return
        await self._look()
        self._timer.activate()

    def _show(self, state: StarterState) -> None:
        self.is_ready = state.kind == "ready"
        self._box.visible = not self.is_ready
        self._text.text = _sentence(state)
        self._retry.visible = state.kind in ("failed", "missing")
        self._bar.visible = state.kind == "preparing"
        self._bar.props["max"] = state.total or 1
        if state.total:
            self._bar.props["value"] = state.done
        if state.kind in ("ready", "failed"):
            self._timer.deactivate()


async def starter_banner(studio: Studio) -> None:
    state = await in_thread(studio.models.starter.state)
    if state.kind != "ready":
        StarterProgress(studio, state)


def _sentence(state: StarterState) -> str:
    if state.kind == "failed":
        return say("The starter model is not ready. {detail}", detail=say(state.detail))
    if state.kind == "missing":
        return "The starter model is not on this machine yet. Prepare it once; it takes about a minute."
    percent = f" {state.done * 100 // state.total} %" if state.total else ""
    return (
        say("Preparing the starter model:{percent} {detail}", percent=percent, detail=say(state.detail)).rstrip() + "…"
    )
