"""How an attempt ended: one answer from its last events, its exit record and what was asked of it."""

import signal
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotStarted
from core.history import History
from storage.failures import EVIDENCE_CHARACTERS, classify, explain_log
from storage.process import boot_id
from storage.run_folder import Attempt, Exit, RunFolder
from storage.status import Cause, Status
from storage.tables import Job

#: Signals that somebody sends. Of these the log knows nothing; the others a program brings upon itself.
FROM_OUTSIDE: frozenset[int] = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
LOG_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    cause: Cause | None = None
    message: str = ""
    evidence: str = ""


def outcome(
    job: Job, history: History, ended: Exit | None, folder: RunFolder, *, disk_is_short: bool = False
) -> Outcome:
    """The truth first (a sealed output is a finished job, whatever was asked), then the reason closest to the fact."""
    finished = history.finished
    if finished and finished.outcome == "completed" and folder.has_output():
        return Outcome(Status.COMPLETED)
    if job.cancel_requested or (finished and finished.outcome == "cancelled"):
        return Outcome(Status.CANCELLED, message=job.message)
    if finished and finished.outcome == "paused":
        return Outcome(Status.PAUSED, job.cause, job.message)
    if history.failed:
        failed = history.failed
        return _settled(Outcome(Status.FAILED, failed.cause, failed.message, failed.evidence), folder)
    attempt = folder.attempt(job.attempt)
    lines = _last_lines(attempt.stderr_of(ended.rank if ended else 0))
    return _settled(_without_words(ended, lines, disk_is_short, attempt), folder)


def could_not_start(error: OSError | NotStarted, folder: RunFolder) -> Outcome:
    message = f"The trainer could not be started: {error}."
    rule = classify(str(error))
    return _settled(Outcome(Status.FAILED, rule.cause if rule else Cause.INTERNAL, message), folder)


def _settled(how: Outcome, folder: RunFolder) -> Outcome:
    """A full disk takes nothing from a run that has a checkpoint: it pauses instead of failing."""
    if how.cause is not Cause.DISK_FULL or how.status is not Status.FAILED or not folder.has_checkpoint():
        return how
    message = "The disk is full. Free some space, then press Resume: the run goes on from its last checkpoint."
    return Outcome(Status.PAUSED, Cause.DISK_FULL, message, how.evidence)


def _without_words(ended: Exit | None, lines: list[str], disk_is_short: bool, attempt: Attempt) -> Outcome:
    """No event says how it ended: the kernel, the log and the disk may."""
    evidence = lines[-1].strip()[:EVIDENCE_CHARACTERS] if lines else ""
    if ended and ended.cause is Cause.OOM_HOST:
        message = (
            "The machine ran out of memory and the kernel ended the trainer. Choose a smaller batch or context length."
        )
        return Outcome(Status.FAILED, Cause.OOM_HOST, message, evidence)
    who = _who(ended, attempt)
    if ended and ended.signal and ended.signal in FROM_OUTSIDE:
        message = f"{who} was ended from outside by {_name(ended.signal)} (signal {ended.signal})."
        return Outcome(Status.INTERRUPTED, Cause.KILLED_EXTERNALLY, message, evidence)
    if known := explain_log(lines):
        return Outcome(Status.FAILED, known.cause, known.sentence, known.evidence)
    if disk_is_short:
        message = "The trainer ended without a word while the disk was full. Free some space and start the run again."
        return Outcome(Status.FAILED, Cause.DISK_FULL, message, evidence)
    if ended is None:
        return _lost(attempt, evidence)
    if ended.signal:
        message = f"{who} was ended by {_name(ended.signal)} (signal {ended.signal})."
        return Outcome(Status.INTERRUPTED, Cause.KILLED_EXTERNALLY, message, evidence)
    log = attempt.stderr_of(ended.rank).name
    message = f"{who} ended with code {ended.returncode} without saying why. Its {log} may tell more."
    return Outcome(Status.FAILED, Cause.INTERNAL, message, evidence)


def _who(ended: Exit | None, attempt: Attempt) -> str:
    """The others of a run on several devices are ended with the one whose end it was."""
    processes = len(attempt.processes()) - 1
    if ended is None or processes < 2:
        return "The trainer"
    return f"Process {ended.rank + 1} of the {processes} that trained together"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only
        return "a signal"


def _lost(attempt: Attempt, evidence: str) -> Outcome:
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


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [line for line in lines if line.strip()]
