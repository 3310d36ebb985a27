"""Which change of a job is its end."""

from core.endings import Endings
from core.people import Actor
from core.studio import Studio
from storage.spec import JobSpec
from storage.status import Status

ALICE = Actor("Alice", "alice@example.org")


def test_an_end_is_told_once_and_a_cancelled_job_not_at_all(studio: Studio, asked: JobSpec) -> None:
    endings = Endings(studio.runs)
    job = studio.runs.submit(asked, actor=ALICE)
    assert endings.note(job.id) is None
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.COMPLETED)
    ended = endings.note(job.id)
    assert ended
    assert ended.status is Status.COMPLETED
    assert endings.note(job.id) is None
    other = studio.runs.submit(asked, actor=ALICE)
    assert endings.note(other.id) is None
    studio.runs.cancel(other.id, actor=ALICE)
    assert endings.note(other.id) is None
    studio.runs.delete(other.id, actor=ALICE)
    assert endings.note(other.id) is None


def test_what_ran_before_the_studio_came_is_told_and_old_ends_are_not(studio: Studio, asked: JobSpec) -> None:
    over, running = (studio.runs.submit(asked, actor=ALICE) for _ in range(2))
    first = studio.runs.claim_next()
    assert first
    assert first.id == over.id
    studio.runs.move(first, Status.FAILED)
    second = studio.runs.claim_next()
    assert second
    assert second.id == running.id
    endings = Endings(studio.runs)
    studio.runs.move(second, Status.COMPLETED)
    assert endings.note(over.id) is None
    assert endings.note(running.id)


def test_a_job_that_is_tried_again_ends_again(studio: Studio, asked: JobSpec) -> None:
    endings = Endings(studio.runs)
    job = studio.runs.submit(asked, actor=ALICE)
    for _ in range(2):
        endings.note(job.id)
        claimed = studio.runs.claim_next()
        assert claimed
        studio.runs.move(claimed, Status.FAILED)
        assert endings.note(job.id)
        studio.runs.retry(job.id, actor=ALICE)
