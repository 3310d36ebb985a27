"""How far a job is: "37 % • Epoch 1/3", or what the trainer does before and after its steps."""

from dataclasses import dataclass

from nicegui import ui

from core.history import History
from storage.events import Event, Metric, Phase
from storage.run_folder import Stretch
from storage.status import Status
from storage.tables import Job
from ui.components.quantity import duration
from ui.components.text import Text, aria, box
from ui.texts import say

PHASES = {
    "loading": "Loading the model",
    "tokenising": "Tokenising",
    "sampling": "Answering the held-out prompts",
    "rehearsing": "Trying the longest batch",
    "exporting": "Writing the adapter",
    "converting": "Converting",
}
WORDS = {
    Status.QUEUED: "Waiting in the queue…",
    Status.PREPARING: "Starting the trainer…",
    Status.COMPLETING: "Finishing…",
    Status.CANCELLING: "Cancelling…",
    Status.PAUSING: "Saving a checkpoint…",
    Status.PAUSED: "Paused",
    Status.INTERRUPTED: "Interrupted; it will go on from its newest checkpoint.",
}


@dataclass(slots=True)
class Progress:
    """The newest of what the row and the events say."""

    phase: Phase | None = None
    training: Phase | None = None
    last: Metric | None = None
    stretch: Stretch | None = None

    @classmethod
    def of(cls, history: History) -> "Progress":
        return cls(history.phase, history.training, history.last, history.stretch)

    def apply(self, event: Event) -> None:
        if isinstance(event, Metric):
            self.last = event
        elif isinstance(event, Phase):
            self.phase = event
            self.training = event if event.name == "training" else self.training

    def share(self, job: Job) -> float:
        if job.status is not Status.RUNNING or self.training is None or not self.training.total:
            return job.share_done
        steps: float = max(self.last.step if self.last else 0, self.training.done)
        if (now := self._within(job)) and now.name == "pass" and now.total:
            steps += now.done / now.total
        return min(steps / self.training.total, 0.99)

    def words(self, job: Job) -> str:
        phase = self.phase
        if job.status.is_live and phase is not None and phase.name != "training":
            count = " " + say("{done} of {total}", done=phase.done, total=phase.total) if phase.total else ""
            return f"{say(PHASES[phase.name])}{count}…"
        if job.status in WORDS:
            return WORDS[job.status]
        epochs_done = max(job.epoch, self.last.epoch if self.last else 0)
        epoch = job.epochs if job.status is Status.COMPLETED else min(int(epochs_done) + 1, job.epochs)
        return say(
            "{share:.0%} • Epoch {epoch}/{epochs}", share=self.share(job), epoch=epoch, epochs=job.epochs
        ).replace("%", " %")

    def details(self, job: Job) -> str:
        """How long it will still take; and where a step, or an evaluation, takes so long that nothing else moves."""
        return " · ".join(filter(None, (self._doing(job), self._left(job))))

    def _doing(self, job: Job) -> str:
        now = self._within(job)
        if now is None or self.training is None:
            return ""
        at = min(now.done + 1, now.total)
        if now.name == "evaluation":
            return say("Evaluating, part {at} of {total}", at=at, total=now.total)
        if now.name == "rollout":
            return say(
                "Step {step}/{total} · answering, token {at} of {answer}",
                step=now.step,
                total=self.training.total,
                at=at,
                answer=now.total,
            )
        passes = " · " + say("pass {at}/{total}", at=at, total=now.total) if now.total > 1 else ""
        return say("Step {step}/{total}{passes}", step=now.step, total=self.training.total, passes=passes)

    def _left(self, job: Job) -> str:
        """By the pace of this attempt so far, evaluations and checkpoints included."""
        training, last = self.training, self.last
        if job.status is not Status.RUNNING or training is None or last is None or last.step <= training.done:
            return ""
        pace = (last.at - training.at).total_seconds() / (last.step - training.done)
        seconds = pace * (training.total - last.step)
        return say("about {time} left", time=duration(seconds)) if seconds > 0 else ""

    def _within(self, job: Job) -> Stretch | None:
        """A pass of a step that has been told since is over."""
        now = self.stretch if job.status is Status.RUNNING else None
        told = self.last.step if self.last else 0
        return None if now is None or (now.name != "evaluation" and now.step <= told) else now


class ProgressBar:
    def __init__(self) -> None:
        with box("ts-job-progress"):
            self._bar = ui.element("progress").classes("ts-progress").props("max=100").props(aria("Progress"))
            with box("ts-progress-text"):
                self._words = Text("span", "", "ts-progress-words").mark("progress").props("role=status")
                # No status: a screen reader would speak it every second.
                self._details = Text("span", "", "ts-sub").mark("progress-details")

    def show(self, job: Job, progress: Progress) -> None:
        share = progress.share(job)
        self._bar.classes(replace=f"ts-progress ts-progress-{job.status.value}")
        if share or not job.status.is_live:
            self._bar.props["value"] = round(100 * share, 1)
        else:
            self._bar.props(remove="value")  # a bar without a value says "busy"
        self._words.text = progress.words(job)
        self._details.text = progress.details(job)
