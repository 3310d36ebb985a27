"""“Try it now” on an empty install: one click trains the starter model on the starter dataset."""

from nicegui import ui

from core.errors import StudioError
from core.models.starter import StarterState
from core.studio import Studio
from ui import routes
from ui.components.button import Button
from ui.components.starter_banner import StarterProgress
from ui.components.text import Text, box, emoji, heading
from ui.texts import say
from ui.threads import in_thread


class TryItNow:
    """While the model is being made, a click is remembered and the job starts as soon as it is ready."""

    def __init__(self, studio: Studio, state: StarterState) -> None:
        self._studio = studio
        self._is_wanted = False
        with box("ts-card ts-try", "section").props("aria-labelledby=try-title") as self._card:
            with box("ts-teach-title"):
                emoji("⭐", "star")
                heading("Try it now", 2).props("id=try-title")
            Text(
                "p",
                "One click teaches the starter model to answer like a support team: 135 M parameters, 150 labeled "
                "examples, two epochs. Both are on this machine, so nothing is fetched; on a processor it takes some "
                "minutes.",
            )
            self._button = Button("Run the starter job", self._start, kind="primary", icon="play").mark("try-it-now")
            self._waiting = Text("p", "The job starts as soon as the model is ready.", "ts-note").props("role=status")
            self._waiting.visible = False
            self._starter = StarterProgress(studio, state, classes="ts-try-progress", on_ready=self._on_ready)

    def hide(self) -> None:
        self._card.visible = False

    async def _start(self) -> None:
        if not self._starter.is_ready:
            self._is_wanted = self._waiting.visible = True
            self._button.set_enabled(False)
            return
        try:
            actor = await in_thread(self._studio.people.actor)
            job = await in_thread(self._studio.first_run.start, actor=actor)
        except StudioError as error:
            ui.notify(say(str(error)), type="negative")
            self._button.set_enabled(True)
            return
        ui.navigate.to(routes.job(job.id, job.objective))

    async def _on_ready(self) -> None:
        self._waiting.visible = False
        if self._is_wanted:
            self._is_wanted = False
            await self._start()
