"""What can be asked about a job that waits: the same entries on its page and in the list."""

from dataclasses import dataclass

from core.people import Actor
from core.queueing import Queue, Shift
from storage.status import Status
from storage.tables import Job


@dataclass(frozen=True, slots=True)
class Entry:
    ask: str
    text: str
    icon: str


HOLD = Entry("hold", "Hold", "clock")
RELEASE = Entry("release", "Release", "open")
ORDER = (
    Entry("front", "Move to front", "chevrons-up"),
    Entry("up", "Move up", "chevron-up"),
    Entry("down", "Move down", "chevron-down"),
    Entry("raise", "Raise priority", "plus"),
    Entry("lower", "Lower priority", "minus"),
)
EVERY = (HOLD, RELEASE, *ORDER)


def queue_entries(job: Job) -> tuple[Entry, ...]:
    if job.status is not Status.QUEUED:
        return ()
    return (RELEASE if job.held else HOLD, *ORDER)


def ask_queue(queue: Queue, ask: str, job_id: str, actor: Actor) -> Job:
    """Blocking; raises StudioError with the sentence to show."""
    match ask:
        case "hold":
            return queue.hold(job_id, actor=actor)
        case "release":
            return queue.release(job_id, actor=actor)
        case "raise" | "lower":
            return queue.prioritise_by(job_id, 1 if ask == "raise" else -1, actor=actor)
        case _:
            return queue.move(job_id, Shift(ask), actor=actor)
