"""What may be asked of a job in the state it is in: one list for the pages and the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.errors import StudioError
from core.people import Actor
from core.runs import DELETABLE, MOVES, Runs
from storage.status import Status
from storage.tables import Job


class Action(StrEnum):
    #: Save a checkpoint and free the device.
    PAUSE = "pause"
    #: Go on from the newest checkpoint.
    RESUME = "resume"
    #: Try a failed or cancelled job again, from its newest checkpoint.
    RETRY = "retry"
    #: End for good.
    CANCEL = "cancel"
    #: Out of the list, its folder into the trash.
    DELETE = "delete"


def offered(job: Job) -> tuple[Action, ...]:
    can_end = not job.status.is_terminal and not job.cancel_requested
    possible = {
        Action.PAUSE: Status.PAUSING in MOVES[job.status] or job.status is Status.QUEUED,
        Action.RESUME: job.status is Status.PAUSED,
        Action.RETRY: job.status in (Status.FAILED, Status.CANCELLED),
        Action.CANCEL: can_end,
        Action.DELETE: job.status in DELETABLE,
    }
    return tuple(action for action, is_possible in possible.items() if is_possible)


def act(runs: Runs, action: Action, job_id: str, *, actor: Actor) -> Job | None:
    """The job afterwards; None once it is deleted. Raises StudioError where the job has moved on meanwhile."""
    doing: dict[Action, Callable[..., Job | None]] = {
        Action.PAUSE: runs.pause,
        Action.RESUME: runs.resume,
        Action.RETRY: runs.retry,
        Action.CANCEL: runs.cancel,
        Action.DELETE: runs.delete,
    }
    return doing[action](job_id, actor=actor)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many of several jobs it was done to, and for the others why not."""

    done: int
    refused: tuple[str, ...]


def act_on_all(runs: Runs, action: Action, job_ids: Sequence[str], *, actor: Actor) -> Outcome:
    """One after the other; a job that cannot be asked for it stays as it is and stops none of the others."""
    refused = []
    for job_id in job_ids:
        try:
            job = runs.get(job_id)
            if action not in offered(job):
                refused.append(f"“{job.title}” is {job.status.value}.")
            else:
                act(runs, action, job_id, actor=actor)
        except StudioError as error:
            refused.append(str(error))
    return Outcome(len(job_ids) - len(refused), tuple(refused))
