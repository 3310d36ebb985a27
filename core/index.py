"""Rows from folders: the index can be lost, because everything that matters in it can be read from the disk again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from core import launcher
from core.feed import Feed
from core.history import History
from core.home import Home
from core.outcome import outcome
from core.people import Actor
from core.stamps import moment
from core.submission import row_of
from core.trash import STAMP_LENGTH
from storage import datasets, deployments, jobs, prediction
from storage.database import Database
from storage.files import read_json
from storage.run_folder import Attempt, Request, RunFolder
from storage.status import Status
from storage.tables import Dataset, Deployment, Job, now

NEVER_STARTED = "It had not started when the index was read from the folders. Resume it to queue it again."
INTERRUPTED = "Its trainer had been interrupted. Resume it to go on from its newest checkpoint."
#: What only the old index knew, and what stays true whatever the folder says.
KEPT_FROM_OLD = ("created_by_name", "created_by_email", "priority", "place", "restarts", "restarted_at_step")


@dataclass(slots=True)
class Report:
    """What came into the index, and the sentences about what could not."""

    jobs: int = 0
    live: int = 0
    datasets: int = 0
    deployments: int = 0
    forgotten: int = 0
    skipped: list[str] = field(default_factory=list)


def fill(database: Database, home: Home, *, requeue: bool = False) -> Report:
    """Make the index agree with the folders, whatever it held before; one transaction.

    A job that waits in the queue and never started is paused unless `requeue`: whether it was cancelled since, no
    folder tells.
    """
    report = Report()
    # The palette takes the rows written last for the newest.
    found = {job.id: job for job in sorted(_jobs(home, report), key=lambda job: job.created_at)}
    with database.write() as session:
        there = {row.id: row for row in _datasets(home, report)}
        for row in _deleted_datasets(home, set(there)):
            datasets.put(session, row)
        for row in there.values():
            report.datasets += datasets.get(session, row.id) is None
            datasets.put(session, row)
        # Known to a backup, but without a folder by now: jobs may still name it.
        folders = {path.name for path in home.datasets.iterdir()}
        datasets.change(session, datasets.without_folder(session, folders), trashed_at=now())
        report.deployments = deployments.replace(session, _deployments(home, report))
        for job_id in jobs.ids(session) - {path.parent.name for path in home.runs.glob("*/spec.json")}:
            report.forgotten += jobs.remove(session, job_id, only_from=list(Status))
        for job in found.values():
            merged = _merge(jobs.get(session, job.id), job, requeue=requeue)
            report.live += merged.status.is_live
            jobs.put(session, merged)
    report.jobs = len(found)
    return report


def job_of(folder: RunFolder, history: History) -> Job:
    """The row of a run, as its folder tells it. A trainer that lives stays live, under its own token."""
    run = folder.spec()
    foretold = prediction.predicted(folder.path)
    job = row_of(run, Actor(run.created_by, run.created_by), foretold.needed_bytes if foretold else 0)
    job.place = run.created_at.timestamp()
    attempts = folder.attempts()
    if not attempts:
        job.status, job.message = Status.PAUSED, NEVER_STARTED
        return job
    last = attempts[-1]
    asked = last.requested()
    job.attempt, job.token, job.started_at = last.number, last.token(), _written_at(last.path / "claim.json")
    job.cancel_requested, job.pause_requested = asked is Request.CANCEL, asked is Request.PAUSE
    _note_progress(job, history)
    if last.exit() is None and (launcher.is_alive(last) or launcher.survivors(last)):
        job.status = _live_status(asked, history)
    else:
        _conclude(job, last, history, folder)
    return job


def _conclude(job: Job, last: Attempt, history: History, folder: RunFolder) -> None:
    how = outcome(job, history, last.exit(), folder)
    job.status, job.cause, job.message, job.evidence = how.status, how.cause, how.message, how.evidence
    if how.status is Status.INTERRUPTED:
        # Left interrupted it would start by itself, and so would all that had been given up long ago.
        job.status, job.message = Status.PAUSED, INTERRUPTED
    if job.status.is_terminal:
        job.ended_at = _written_at(last.path / "exit.json") or _written_at(last.events) or job.started_at


def _live_status(asked: Request | None, history: History) -> Status:
    if asked is not None:
        return Status.CANCELLING if asked is Request.CANCEL else Status.PAUSING
    if history.phase and history.phase.name == "exporting":
        return Status.COMPLETING
    return Status.RUNNING if history.training else Status.PREPARING


def _note_progress(job: Job, history: History) -> None:
    if history.last:
        job.step, job.epoch = history.last.step, history.last.epoch
    job.total_steps = history.training.total if history.training else 0
    job.loss, job.eval_loss = history.latest("loss"), history.latest("eval_loss")


def _merge(known: Job | None, found: Job, *, requeue: bool) -> Job:
    if known is None:
        return found
    if known.attempt == found.attempt:
        if known.status.is_terminal or known.status is Status.PAUSED:
            return known
        if known.status is Status.QUEUED:
            if not requeue:
                known.status, known.message = Status.PAUSED, NEVER_STARTED
            return known
    for name in KEPT_FROM_OLD:
        setattr(found, name, getattr(known, name))
    return found


def _jobs(home: Home, report: Report) -> Iterator[Job]:
    feed = Feed(home.runs, lambda _update: None)
    for path in sorted(home.runs.glob("*/spec.json")):
        try:
            yield job_of(RunFolder(path.parent), feed.history(path.parent.name))
        except (OSError, ValidationError) as error:
            report.skipped.append(f"{path} cannot be read ({_first_line(error)}); the folder stays as it is.")


def _datasets(home: Home, report: Report) -> Iterator[Dataset]:
    for path in sorted(home.datasets.glob("[!.]*/dataset.json")):
        try:
            yield _dataset(path)
        except (OSError, ValidationError) as error:
            report.skipped.append(f"{path} cannot be read ({_first_line(error)}); the folder stays as it is.")


def _dataset(path: Path) -> Dataset:
    values = read_json(path) or {}
    # Version 0.1 knew no families.
    return Dataset.model_validate({"family": values.get("id"), **values})


def _deployments(home: Home, report: Report) -> Iterator[Deployment]:
    for path in sorted(home.deployments.glob(f"[!.]*/{deployments.FILE}")):
        try:
            yield Deployment.model_validate(read_json(path) or {})
        except (OSError, ValidationError) as error:
            report.skipped.append(f"{path} cannot be read ({_first_line(error)}); the folder stays as it is.")


def _deleted_datasets(home: Home, there: set[str]) -> Iterator[Dataset]:
    """What lies in the trash, so that jobs can say what they were trained on, and it can be restored."""
    for path in sorted(home.trash.glob("*/dataset.json")):
        at = moment(path.parent.name[:STAMP_LENGTH])
        with contextlib.suppress(OSError, ValidationError):
            row = _dataset(path)
            if at and row.id not in there:
                yield row.model_copy(update={"trashed_at": at})


def _written_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
