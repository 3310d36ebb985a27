"""Jobs from a user's point of view: look, pause, cancel. Who may move a job from where to where is one table."""

import logging
from collections.abc import Callable
from typing import Any

from core.errors import Conflict, NotFound
from core.estimate.ladder import Rung
from core.estimate.outlook import Outlook
from core.home import Home
from core.people import Actor
from core.queueing import Queue
from core.submission import Submission
from core.tarball import Tarball
from core.trash import Trash
from core.warm_start import Before, before
from storage import deployments, jobs, leases
from storage.database import Database
from storage.jobs import Page, Query
from storage.run_folder import RunFolder
from storage.spec import JobSpec, Objective, RunSpec
from storage.status import TERMINAL, Cause, Status
from storage.tables import Job, now

#: From → to. Terminal rows change in one case only: a person asks to try a failed or cancelled job again.
MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PREPARING, Status.CANCELLED, Status.PAUSED}),
    Status.PREPARING: frozenset(
        {Status.RUNNING, Status.COMPLETING, Status.COMPLETED, Status.PAUSING, Status.CANCELLING, Status.INTERRUPTED,
         Status.FAILED, Status.CANCELLED, Status.PAUSED}
    ),
    Status.RUNNING: frozenset(
        {Status.COMPLETING, Status.COMPLETED, Status.PAUSING, Status.CANCELLING, Status.INTERRUPTED, Status.FAILED,
         Status.CANCELLED, Status.PAUSED}
    ),
    Status.COMPLETING: frozenset(
        {Status.COMPLETED, Status.CANCELLING, Status.INTERRUPTED, Status.FAILED, Status.CANCELLED, Status.PAUSED}
    ),
    # It may have finished before the request reached it: the truth wins.
    Status.PAUSING: frozenset(
        {Status.PAUSED, Status.COMPLETED, Status.CANCELLING, Status.INTERRUPTED, Status.FAILED}
    ),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.COMPLETED, Status.FAILED}),
    Status.PAUSED: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.INTERRUPTED: frozenset({Status.QUEUED, Status.PAUSED, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
}  # fmt: skip

#: More are found by their job's page, not by scrolling.
MOST_TUNED = 100

#: From where a request leads to the end.
CANCELLABLE = frozenset(
    status
    for status, targets in MOVES.items()
    if targets & {Status.CANCELLED, Status.CANCELLING} and status is not Status.CANCELLING
)
DELETABLE = TERMINAL | {Status.PAUSED}

log = logging.getLogger(__name__)


class Runs:
    """`on_change(job_id)` is called after every change of a row, from whatever thread made it."""

    def __init__(
        self,
        database: Database,
        home: Home,
        queue: Queue,
        submission: Submission,
        on_change: Callable[[str], None],
    ) -> None:
        self._database = database
        self._home = home
        self._queue = queue
        self._submission = submission
        self._on_change = on_change
        self._trash = Trash(home)
        #: Set when the scheduler has something to do before its next tick.
        self.wake = queue.wake

    def preview(self, spec: JobSpec, *, actor: Actor | None = None) -> RunSpec:
        """What would really run, with every change and its reason. Raises StudioError where nothing could."""
        return self._submission.preview(spec, actor=actor)

    def outlook(self, run: RunSpec) -> tuple[Outlook, tuple[Rung, ...]]:
        """What a previewed run will take, and what would make it fit where it does not."""
        return self._submission.outlook(run)

    def submit(self, spec: JobSpec, *, actor: Actor) -> Job:
        """Write the run folder, then the row. Raises StudioError; then nothing is left behind."""
        return self._submission.submit(spec, actor=actor)

    def get(self, job_id: str) -> Job:
        return self._queue.get(job_id)

    def is_known(self, job_id: str) -> bool:
        with self._database.read() as session:
            return jobs.get(session, job_id) is not None

    def search(self, query: Query) -> Page:
        with self._database.read() as session:
            return jobs.search(session, query)

    def named(self, words: str, count: int) -> tuple[Job, ...]:
        """The newest jobs of any objective that have every word; without words the newest of all."""
        with self._database.read() as session:
            return jobs.newest(session, words, count)

    def tuned(self) -> list[Job]:
        """The newest completed jobs whose output can be gone on from."""
        found = [
            job
            for objective in Objective
            for job in self.search(Query(objective=objective, status=Status.COMPLETED, page_size=MOST_TUNED)).rows
            if RunFolder(self._home.runs / job.id).has_output()
        ]
        return sorted(found, key=lambda job: job.created_at, reverse=True)

    def folder(self, job_id: str) -> RunFolder:
        return RunFolder(self._home.runs / self.get(job_id).id)

    def kept_bytes(self, job_id: str) -> int | None:
        """Of the weights in the job's output; None while there is none."""
        folder = self.folder(job_id)
        if not folder.has_output():
            return None
        return sum(path.stat().st_size for path in folder.output.glob("*.safetensors"))

    def packed_output(self, job_id: str) -> Tarball:
        """The job's output in one file. Raises NotFound while there is none."""
        job, folder = self.get(job_id), self.folder(job_id)
        if not folder.has_output():
            raise NotFound(
                "“{title}” has no output: it is {status}. A completed job has one.",
                title=job.title,
                status=job.status.value,
            )
        return Tarball.of(folder.output, job.output_name or job.id)

    def before(self, start_from: str) -> Before:
        """A job's output, or an adapter that was brought, to go on from. Raises BadInput."""
        return before(start_from, self._home)

    def run_spec(self, job_id: str) -> RunSpec:
        return self.folder(job_id).spec()

    def cancel(self, job_id: str, *, actor: Actor) -> Job:
        """Ask a job to end. Twice is once; a job that has ended stays as it is."""
        self._cancel(self.get(job_id).id, actor)
        return self.get(job_id)

    def cancel_all(self, query: Query, *, actor: Actor) -> int:
        """Ask everything that the query lists to end; how many that were."""
        return len(self._cancel(query, actor))

    def _cancel(self, which: Query | str, actor: Actor) -> list[str]:
        """One transaction: what waits is over at once, and what is busy is asked."""
        said = f"Cancelled by {actor.name}."
        waiting, busy = ([s for s in CANCELLABLE if s.is_live is live] for live in (False, True))
        asked = {"cancel_requested": True, "stage": "Asking the trainer to stop", "message": said}
        over = {"ended_at": now(), "message": said}
        with self._database.write() as session:
            # The busy first: a job must not be hit by both.
            ids = jobs.change_matching(session, which, only_from=busy, status=Status.CANCELLING, **asked)
            ids += jobs.change_matching(session, which, only_from=waiting, status=Status.CANCELLED, **over)
        for job_id in ids:
            self._on_change(job_id)
        self.wake.set()
        return ids

    def delete(self, job_id: str, *, actor: Actor) -> None:
        """Forget a job that is over or paused; its folder lies in the trash for a while. Raises Conflict otherwise."""
        job = self.get(job_id)
        with self._database.write() as session:
            if names := [row.name for row in deployments.of_target(session, job.id)]:
                raise Conflict(
                    "“{title}” answers as {names}, so it cannot be deleted. Switch or delete that deployment first.",
                    title=job.title,
                    names=", ".join(names[:3]),
                )
            if not jobs.remove(session, job.id, only_from=DELETABLE):
                raise Conflict(
                    "“{title}” is {status}, so it cannot be deleted. Cancel it first, then delete it.",
                    title=job.title,
                    status=job.status.value,
                )
            # Inside the transaction: where the folder cannot be moved, the row stays.
            kept_at = self._trash.take(self._home.runs / job.id)
        log.info("%s deleted %s; its folder is %s for now.", actor.email, job.id, kept_at)
        self._on_change(job.id)

    def pause(self, job_id: str, *, actor: Actor) -> Job:
        """Ask a job to save a checkpoint and free its device. Raises Conflict where it does not run."""
        job = self.get(job_id)
        asked = {"pause_requested": True, "message": f"Paused by {actor.name}."}
        if job.status is Status.QUEUED:
            moved = self.move(job, Status.PAUSED, message=asked["message"])
        else:
            moved = self.move(job, Status.PAUSING, **asked)
        if not moved:
            raise Conflict("“{title}” is {status}, so it cannot be paused.", title=job.title, status=job.status.value)
        self.wake.set()
        return self.get(job_id)

    def pause_for_space(self, job: Job) -> bool:
        """Ask a running job to save and end while there is still room for its checkpoint."""
        message = "Paused because the disk is short. Free some space, then press Resume."
        return self.move(job, Status.PAUSING, pause_requested=True, cause=Cause.DISK_FULL, message=message)

    def resume(self, job_id: str, *, actor: Actor) -> Job:
        """Queue a paused job again; it goes on from its newest valid checkpoint."""
        return self._requeue(job_id, (Status.PAUSED,), "resumed", f"Resumed by {actor.name}.")

    def retry(self, job_id: str, *, actor: Actor) -> Job:
        """A new attempt of a failed or cancelled job, from its newest valid checkpoint where there is one."""
        self._submission.require_dataset(self.get(job_id))
        return self._requeue(job_id, (Status.FAILED, Status.CANCELLED), "tried again", f"Tried again by {actor.name}.")

    def _requeue(self, job_id: str, only_from: tuple[Status, ...], what: str, message: str) -> Job:
        job = self.get(job_id)
        fresh = {"cause": None, "message": message, "evidence": "", "ended_at": None, "restarts": 0}
        requests = {"cancel_requested": False, "pause_requested": False, "held": False, "health": "", "stage": ""}
        if job.status not in only_from or not self.move(job, Status.QUEUED, **fresh, **requests):
            raise Conflict(
                "“{title}” is {status}, so it cannot be {what}.", title=job.title, status=job.status.value, what=what
            )
        self.wake.set()
        return self.get(job_id)

    def move(self, job: Job, to: Status, **values: Any) -> bool:
        """Change this attempt's status along MOVES; False where the row has moved on meanwhile."""
        only_from = [status for status, targets in MOVES.items() if to in targets]
        return self._write(job, only_from=only_from, status=to, **values)

    def note(self, job: Job, **values: Any) -> bool:
        """Record progress of a live attempt without changing its status."""
        return self._write(job, only_from=[s for s in Status if s.is_live], **values)

    def live(self) -> list[Job]:
        with self._database.read() as session:
            return list(jobs.live(session))

    def interrupted(self) -> list[Job]:
        """Jobs whose trainer is gone and about which nothing has been decided yet."""
        with self._database.read() as session:
            return list(jobs.having(session, Status.INTERRUPTED))

    def claim_next(self) -> Job | None:
        """Take the job that the queue's order and the free devices choose."""
        return self._queue.claim_next()

    def _write(self, job: Job, *, only_from: list[Status], **values: Any) -> bool:
        with self._database.write() as session:
            written = jobs.write(session, job, only_from=only_from, **values)
            if written and not values.get("status", Status.RUNNING).is_live:
                leases.release(session, job.id)
        if written:
            self._on_change(job.id)
        return written
