"""What may be asked of a job in the state it is in: one list for the pages and the command line."""

from collections.abc import Callable
from enum import StrEnum

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
