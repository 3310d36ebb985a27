"""How an attempt ended: one answer from its last events, its exit record and what was asked of it."""

import signal
from dataclasses import dataclass
from pathlib import Path

from core.history import History
from storage.process import boot_id
from storage.run_folder import Attempt, Exit, RunFolder
from storage.status import Cause, Status
from storage.tables import Job


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    cause: Cause | None = None
    message: str = ""
    evidence: str = ""


def outcome(job: Job, history: History, ended: Exit | None, folder: RunFolder) -> Outcome:
    """The truth first (a sealed output is a finished job, whatever was asked), then the reason closest to the fact."""
    finished = history.finished
    if finished and finished.outcome == "completed" and folder.has_output():
        return Outcome(Status.COMPLETED)
    if job.cancel_requested or (finished and finished.outcome == "cancelled"):
        return Outcome(Status.CANCELLED, message=job.message)
    if finished and finished.outcome == "paused":
        return Outcome(Status.PAUSED, message=job.message)
    if history.failed:
        failed = history.failed
        return Outcome(Status.FAILED, failed.cause, failed.message, failed.evidence)
    evidence = _last_line(folder.attempt(job.attempt).stderr)
    if ended is None:
        return _lost(folder, job, evidence)
    if ended.cause is Cause.OOM_HOST:
        return Outcome(
            Status.FAILED,
            Cause.OOM_HOST,
            "The machine ran out of memory and the kernel ended the trainer. Choose a smaller batch or context length.",
            evidence,
        )
    if ended.signal:
        name = signal.Signals(ended.signal).name
        message = f"The trainer was ended from outside by {name} (signal {ended.signal})."
        return Outcome(Status.INTERRUPTED, Cause.KILLED_EXTERNALLY, message, evidence)
    message = f"The trainer ended with code {ended.returncode} without saying why. Its stderr.log may tell more."
    return Outcome(Status.FAILED, Cause.INTERNAL, message, evidence)


def _lost(folder: RunFolder, job: Job, evidence: str) -> Outcome:
    attempt = folder.attempt(job.attempt)
    if is_of_an_earlier_boot(attempt):
        message = "The machine was restarted while it ran."
    elif attempt.processes():
        message = "Trainer and supervisor are gone without a word: something has killed both."
    else:
        message = "The trainer was claimed and never started."
    return Outcome(Status.INTERRUPTED, Cause.LOST, message, evidence)


def is_of_an_earlier_boot(attempt: Attempt) -> bool:
    """No process of it can be left, and nobody is about to write `exit.json`."""
    processes = attempt.processes()
    return bool(processes) and all(process.boot_id != boot_id() for process in processes)


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return lines[-1][:500] if lines else ""
