"""A job's checkpoints from a user's point of view: which there are, which is the best, pinning and deleting."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.ballast import Ballast
from core.errors import Conflict, NotFound
from core.feed import Feed
from core.home import Home
from core.people import Actor
from core.runs import Runs
from core.tarball import Tarball
from core.trash import Trash
from storage import jobs, manifest
from storage.database import Database
from storage.files import bytes_of, write_atomic
from storage.retention import PIN, alone_with, sealed
from storage.status import Status
from storage.tables import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """One whole checkpoint. `stays` is the sentence why it cannot be deleted now; empty where it can."""

    step: int
    at: datetime
    bytes: int
    eval_loss: float | None
    eval_reward: float | None
    is_best: bool
    is_latest: bool
    is_pinned: bool
    stays: str

    @property
    def evaluation(self) -> str:
        """As a person reads it; empty where this step was not evaluated."""
        if self.eval_reward is not None:
            return f"reward {self.eval_reward:.3f}"
        return "" if self.eval_loss is None else f"{self.eval_loss:.4f}"

    @property
    def badges(self) -> tuple[str, ...]:
        marks = (("best", self.is_best), ("latest", self.is_latest), ("pinned", self.is_pinned))
        return tuple(word for word, is_so in marks if is_so)


class Checkpoints:
    """Nothing here writes into an attempt. The folder's lock keeps us and a trainer that tidies up apart."""

    def __init__(
        self,
        database: Database,
        home: Home,
        ballast: Ballast,
        runs: Runs,
        feed: Feed,
        on_change: Callable[[str], None],
    ) -> None:
        self._database = database
        self._ballast = ballast
        self._runs = runs
        self._feed = feed
        self._on_change = on_change
        self._trash = Trash(home)

    def of(self, job_id: str) -> tuple[Saved, ...]:
        """The newest first. Reads files: call it in a thread."""
        job = self._runs.get(job_id)
        whole = sealed(self._runs.folder(job.id).checkpoints)
        history = self._feed.history(job.id)
        ranks = {step: rank for step, rank in history.eval_ranks.items() if step in whole}
        best = min(ranks, key=lambda step: (ranks[step], step), default=None)
        found = []
        for step, path in sorted(whole.items(), reverse=True):
            with suppress(FileNotFoundError):  # a trainer has removed it since it was listed
                pinned = (path / PIN).exists()
                saved = Saved(
                    step=step,
                    at=datetime.fromtimestamp((path / manifest.NAME).stat().st_mtime, UTC),
                    bytes=bytes_of(path),
                    eval_loss=history.eval_losses.get(step),
                    eval_reward=history.eval_rewards.get(step),
                    is_best=step == best,
                    is_latest=step == max(whole),
                    is_pinned=pinned,
                    stays=_stays(job, step, pinned=pinned, newest=max(whole)),
                )
                found.append(saved)
        return tuple(found)

    def packed(self, job_id: str, step: int) -> Tarball:
        """As one file to take away. Whoever tidies it up meanwhile cuts the download short, and that shows."""
        with self._holding(job_id, step) as path:
            return Tarball.of(path, f"{job_id}-step-{step}")

    def pin(self, job_id: str, step: int, *, actor: Actor) -> None:
        """Keep this checkpoint whatever the job's three numbers say. Twice is once. Raises StudioError."""
        with self._holding(job_id, step) as path, self._ballast.explaining():
            write_atomic(path / PIN, f"Pinned by {actor.email} at {datetime.now(UTC).isoformat()}\n".encode())
        log.info("%s pinned checkpoint %d of %s.", actor.email, step, job_id)
        self._on_change(job_id)

    def unpin(self, job_id: str, step: int, *, actor: Actor) -> None:
        """Let the job's three numbers decide again: the next tidying may take it."""
        with self._holding(job_id, step) as path:
            (path / PIN).unlink(missing_ok=True)
        log.info("%s unpinned checkpoint %d of %s.", actor.email, step, job_id)
        self._on_change(job_id)

    def delete(self, job_id: str, step: int, *, actor: Actor) -> None:
        """Into the trash. Raises Conflict for a pinned one, and for what a live trainer may go on from."""
        with self._holding(job_id, step) as path, self._database.write() as session:
            # Inside the transaction: nothing can start the job meanwhile.
            job = jobs.get(session, job_id)
            if job is None:
                raise NotFound("The job “{job_id}” has been deleted meanwhile, with its checkpoints.", job_id=job_id)
            pinned = (path / PIN).exists()
            if why := _stays(job, step, pinned=pinned, newest=max(sealed(path.parent))):
                raise Conflict(why)
            kept_at = self._trash.take(path, called=f"{job_id}-{path.name}")
        log.info("%s deleted checkpoint %d of %s; it is %s for now.", actor.email, step, job_id, kept_at)
        self._on_change(job_id)

    @contextmanager
    def _holding(self, job_id: str, step: int) -> Iterator[Path]:
        """The whole checkpoint of this step, which nobody removes meanwhile."""
        folder = self._runs.folder(job_id).checkpoints
        try:
            with alone_with(folder):
                path = sealed(folder).get(step)
                if path is None:
                    raise NotFound(
                        "“{job_id}” has no checkpoint of step {step}; it may have been removed meanwhile.",
                        job_id=job_id,
                        step=step,
                    )
                yield path
        except TimeoutError as error:
            raise Conflict(
                "The checkpoints of “{job_id}” are being tidied up; try again in a moment.", job_id=job_id
            ) from error


def _stays(job: Job, step: int, *, pinned: bool, newest: int) -> str:
    if pinned:
        return f"The checkpoint of step {step} is pinned. Unpin it first, then delete it."
    if job.status is Status.PREPARING:
        return f"“{job.title}” is starting and may go on from this checkpoint. Wait until it runs."
    if job.status.is_live and step == newest:
        return f"“{job.title}” would go on from step {step} if it were interrupted. It can be deleted once it is over."
    return ""
