"""The disk: its floor, the ballast, and what happens on a volume that is really full."""

from pathlib import Path

import full_disk
import pytest

from core.ballast import Ballast
from core.errors import BadInput
from core.feed import Feed
from core.home import Home
from core.launcher import Launcher
from core.scheduler import Scheduler
from core.studio import Studio
from storage import manifest
from storage.event_log import EventWriter
from storage.events import Failed
from storage.files import write_json
from storage.spec import JobSpec
from storage.status import Cause, Status

NEVER_ENOUGH = 10**18


@pytest.mark.skipif(not full_disk.can_mount(), reason="needs user namespaces to mount a small tmpfs")
@pytest.mark.parametrize("story", full_disk.STORIES)
def test_on_a_full_disk(story: str) -> None:
    assert full_disk.on_small_disk(story) == ""


def test_the_floor_decides_what_short_means(tmp_path: Path) -> None:
    assert Home(tmp_path, floor_bytes=0).shortage() == ""
    assert f"where {tmp_path} lies" in Home(tmp_path, floor_bytes=NEVER_ENOUGH).shortage()
    with pytest.raises(BadInput, match="Free some space"):
        Home(tmp_path, floor_bytes=NEVER_ENOUGH).require_free(1, "It")


def test_the_ballast_is_made_where_there_is_room_and_takes_it(tmp_path: Path) -> None:
    roomy = Ballast(Home(tmp_path, floor_bytes=0, ballast_bytes=1024**2))
    roomy.tend()
    roomy.tend()
    assert roomy.path.stat().st_blocks * 512 >= 1024**2
    roomy.ensure_room()
    assert roomy.path.exists()
    assert "Free some space" in str(roomy.refusal())
    assert not roomy.path.exists()


def test_no_ballast_where_it_would_touch_the_floor(tmp_path: Path) -> None:
    short = Ballast(Home(tmp_path, floor_bytes=NEVER_ENOUGH))
    short.tend()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def short(studio: Studio) -> Home:
    """The same folder, seen with a floor that no disk can keep."""
    return Home(studio.home.path, floor_bytes=NEVER_ENOUGH)


def scheduler(studio: Studio, home: Home) -> Scheduler:
    """One that is only ever asked for single rounds."""
    return Scheduler(
        studio.runs,
        studio.queue,
        Feed(home.runs, lambda _: None),
        home,
        Ballast(home),
        Launcher(home.path),
        studio.predictions,
    )


def test_nothing_new_starts_on_a_short_disk(studio: Studio, asked: JobSpec, short: Home) -> None:
    job = studio.runs.submit(asked, actor=studio.people.actor())
    scheduler(studio, short).tick()
    assert studio.runs.get(job.id).status is Status.QUEUED
    looking = Studio(short)
    assert "Nothing new starts" in looking.queue.waits_because(job)
    looking.close()


def test_running_jobs_are_asked_to_pause_on_a_short_disk(studio: Studio, asked: JobSpec, short: Home) -> None:
    studio.runs.submit(asked, actor=studio.people.actor())
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.RUNNING)
    studio.runs.folder(claimed.id).attempt(1).claim(claimed.token)
    scheduler(studio, short).tick()
    job = studio.runs.get(claimed.id)
    assert (job.status, job.cause, job.pause_requested) == (Status.PAUSING, Cause.DISK_FULL, True)
    assert "press Resume" in job.message


def test_a_trainer_that_met_a_full_disk_leaves_a_paused_job_that_can_be_resumed(studio: Studio, asked: JobSpec) -> None:
    actor = studio.people.actor()
    studio.runs.submit(asked, actor=actor)
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.RUNNING)
    folder = studio.runs.folder(claimed.id)
    attempt = folder.attempt(1)
    attempt.claim(claimed.token)
    partial = folder.checkpoints / "work.partial"
    partial.mkdir()
    (partial / "weights").write_bytes(b"w")
    manifest.seal(partial, folder.checkpoints / "step-00000100")
    events = EventWriter(attempt.events)
    events.append(Failed(cause=Cause.DISK_FULL, message="The disk is full.", evidence="OSError: [Errno 28]"))
    events.close()
    write_json(attempt.path / "exit.json", {"returncode": 1, "signal": None, "token": claimed.token, "cause": None})
    scheduler(studio, studio.home).tick()
    job = studio.runs.get(claimed.id)
    assert (job.status, job.cause, job.evidence) == (Status.PAUSED, Cause.DISK_FULL, "OSError: [Errno 28]")
    resumed = studio.runs.resume(job.id, actor=actor)
    assert (resumed.status, resumed.cause) == (Status.QUEUED, None)
