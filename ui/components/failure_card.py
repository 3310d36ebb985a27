"""Why a job failed: the sentence, the line that proves it, and the next thing to do."""

from nicegui import ui

from storage.status import Cause, Status
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.text import Text, box, heading, icon

NEXT_STEPS = {
    Cause.USER_CONFIG: "Clone the job and change the setting that is named above.",
    Cause.BAD_DATASET: "Mend the dataset, add it again, and clone the job with it.",
    Cause.MODEL_NOT_FOUND: "Choose a model that is on this machine and try again.",
    Cause.GATED_MODEL: "Accept the model's licence at its publisher, then try again.",
    Cause.NETWORK: "Check the connection, then try again.",
    Cause.OOM_GPU: "Clone the job with a smaller Max Context Length or Batch Size.",
    Cause.OOM_HOST: "Close other programs, or clone the job with a smaller Max Context Length or Batch Size.",
    Cause.DISK_FULL: "Free some disk space, then try again.",
    Cause.BAD_CHECKPOINT: "Start it again from the beginning with a clone.",
    Cause.NAN_LOSS: "Clone the job with a smaller Learning Rate.",
    Cause.TIMEOUT: "Try again; if it happens twice, look into the log.",
    Cause.GPU_LOST: "Check the GPU and its driver, then try again.",
    Cause.KILLED_EXTERNALLY: "Something on this machine ended the trainer. Find out what, then try again.",
    Cause.LOST: "The trainer vanished without a word, as after a power cut. Try again.",
    Cause.EXPORT: "Check the disk and try again.",
    Cause.INTERNAL: "Try again; if it happens twice, report it with the evidence above.",
}


class FailureCard:
    """Invisible unless the job has failed."""

    def __init__(self) -> None:
        self._card = box("ts-card ts-failure", "section").props("role=alert")
        self._card.visible = False

    def show(self, job: Job) -> None:
        self._card.visible = job.status is Status.FAILED
        self._card.clear()
        if not self._card.visible:
            return
        with self._card:
            with box("ts-failure-head"):
                icon("alert")
                heading("This job failed", 2)
                Text("span", (job.cause or Cause.INTERNAL).replace("_", " "), "ts-badge ts-badge-red")
            Text("p", job.message or "It ended without a message.")
            if job.evidence:
                Text("pre", job.evidence, "ts-evidence").props("tabindex=0 aria-label=Evidence")
            Text("p", f"Next: {NEXT_STEPS[job.cause or Cause.INTERNAL]}", "ts-strong")
            with box("ts-actions"):
                Button("Clone and try again", lambda: ui.navigate.to(routes.wizard(clone=job.id)), kind="primary")
