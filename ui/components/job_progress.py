"""How far a job is: "37 % • Epoch 1/3", or what the trainer does before and after its steps."""

from dataclasses import dataclass

from nicegui import ui

from core.history import History
from storage.events import Event, Metric, Phase
from storage.status import Status
from storage.tables import Job
from ui.components.text import Text, box

PHASES = {
    "loading": "Loading the model",
    "tokenising": "Tokenising",
    "sampling": "Answering the held-out prompts",
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

    @classmethod
    def of(cls, history: History) -> "Progress":
        return cls(history.phase, history.training, history.last)

    def apply(self, event: Event) -> None:
        if isinstance(event, Metric):
            self.last = event
        elif isinstance(event, Phase):
            self.phase = event
            self.training = event if event.name == "training" else self.training

    def share(self, job: Job) -> float:
        if job.status is not Status.RUNNING or self.last is None or self.training is None:
            return job.share_done
        return min(self.last.step / self.training.total, 0.99) if self.training.total else job.share_done

    def words(self, job: Job) -> str:
        phase = self.phase
        if job.status.is_live and phase is not None and phase.name != "training":
            count = f" {phase.done} of {phase.total}" if phase.total else ""
            return f"{PHASES[phase.name]}{count}…"
        if job.status in WORDS:
            return WORDS[job.status]
        epochs_done = max(job.epoch, self.last.epoch if self.last else 0)
        epoch = job.epochs if job.status is Status.COMPLETED else min(int(epochs_done) + 1, job.epochs)
        return f"{self.share(job):.0%} • Epoch {epoch}/{job.epochs}".replace("%", " %")


class ProgressBar:
    def __init__(self) -> None:
        with box("ts-job-progress"):
            self._bar = ui.element("progress").classes("ts-progress").props("max=100 aria-label=Progress")
            self._words = Text("span", "", "ts-progress-words").mark("progress").props("role=status")

    def show(self, job: Job, progress: Progress) -> None:
        share = progress.share(job)
        self._bar.classes(replace=f"ts-progress ts-progress-{job.status.value}")
        if share or not job.status.is_live:
            self._bar.props["value"] = round(100 * share, 1)
        else:
            self._bar.props(remove="value")  # a bar without a value says "busy"
        self._words.text = progress.words(job)
