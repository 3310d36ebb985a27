"""Why a job failed, or paused by itself: the sentence, the line that proves it, and the next thing to do."""

from functools import partial

from nicegui import ui

from core import remedies
from core.errors import StudioError
from core.remedies import ADVICE, Remedy
from core.studio import Studio
from storage.spec import RunSpec
from storage.status import Cause, Status
from storage.tables import Job
from ui import routes
from ui.components.button import Action, Button
from ui.components.text import Text, aria, box, heading, icon
from ui.texts import say, word
from ui.threads import in_thread

#: In a word or three.
CAUSES = {
    Cause.USER_CONFIG: word("user config"),
    Cause.BAD_DATASET: word("bad dataset"),
    Cause.MODEL_NOT_FOUND: word("model not found"),
    Cause.GATED_MODEL: word("gated model"),
    Cause.NETWORK: word("network"),
    Cause.OOM_GPU: word("oom gpu"),
    Cause.OOM_HOST: word("oom host"),
    Cause.DISK_FULL: word("disk full"),
    Cause.BAD_CHECKPOINT: word("bad checkpoint"),
    Cause.NAN_LOSS: word("nan loss"),
    Cause.TIMEOUT: word("timeout"),
    Cause.GPU_LOST: word("gpu lost"),
    Cause.KILLED_EXTERNALLY: word("killed externally"),
    Cause.LOST: word("lost"),
    Cause.EXPORT: word("export"),
    Cause.INTERNAL: word("internal"),
}


class FailureCard:
    """Invisible unless something went wrong."""

    def __init__(self, studio: Studio, spec: RunSpec, on_log: Action) -> None:
        self._studio = studio
        self._spec = spec
        self._on_log = on_log
        self._card = box("ts-card ts-failure", "section").props("role=alert")
        self._card.visible = False
        self._shown: tuple[object, ...] = ()

    def show(self, job: Job) -> None:
        told = (job.status, job.cause, job.message, job.evidence, job.attempt)
        if told == self._shown:
            return
        self._shown = told
        paused_by_itself = job.status is Status.PAUSED and job.cause is not None
        self._card.visible = job.status is Status.FAILED or paused_by_itself
        self._card.clear()
        if not self._card.visible:
            return
        cause = job.cause or Cause.INTERNAL
        with self._card:
            with box("ts-failure-head"):
                icon("alert")
                heading("This job paused by itself" if paused_by_itself else "This job failed", 2)
                Text("span", CAUSES[cause], "ts-badge ts-badge-red")
            Text("p", job.message or "It ended without a message.")
            if job.evidence:
                Text("pre", job.evidence, "ts-evidence").props("tabindex=0").props(aria("Evidence"))
            Text("p", say("Next: {advice}", advice=say(ADVICE[cause])), "ts-strong")
            with box("ts-actions"):
                self._actions(job)

    def _actions(self, job: Job) -> None:
        offered = remedies.remedies(job, self._spec)
        for at, remedy in enumerate(offered):
            Button(remedy.label, partial(self._take, remedy, job), kind="secondary" if at else "primary").mark("remedy")
        clone = partial(ui.navigate.to, routes.wizard(objective=job.objective, clone=job.id))
        Button("Clone and change", clone, kind="secondary" if offered else "primary")
        Button("Show the log", self._on_log, kind="ghost").mark("show-log")

    async def _take(self, remedy: Remedy, job: Job) -> None:
        try:
            actor = await in_thread(self._studio.people.actor)
            started = await in_thread(remedies.take, remedy, job, self._studio.runs, actor=actor)
        except StudioError as error:
            ui.notify(say(str(error)), type="negative")
            return
        if started.id == job.id:
            ui.notify(say("“{title}” is in the queue again.", title=started.title))
        else:
            ui.navigate.to(routes.job(started.id, started.objective))
