"""Checkpoints from a user's point of view: what is listed, what a pin holds, and what may be deleted when."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.errors import Conflict, NotFound
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.event_log import EventWriter
from storage.events import Checkpoint, Metric
from storage.retention import PIN, Retention, alone_with, sealed
from storage.run_folder import RunFolder
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import Job
from training import checkpoints as trainers

ALICE = Actor("Alice", "alice@example.org")
LOSSES = {10: 2.5, 20: 1.5, 30: 2.0}


def write(folder: Path, step: int, keep: Retention, losses: dict[int, float]) -> Path:
    """As a trainer does it, tidying up included."""
    work = folder / trainers.WORK
    work.mkdir()
    (work / "weights").write_bytes(b"w" * 1000)
    return trainers.seal(work, folder, step, keep, losses)


@pytest.fixture
def job(studio: Studio, asked: JobSpec) -> Job:
    """A running job with three checkpoints, one of which has an evaluation loss that no curve holds any more."""
    studio.runs.submit(asked, actor=ALICE)
    job = studio.runs.claim_next()
    assert job
    folder = studio.runs.folder(job.id)
    folder.attempt(1).claim(job.token)
    studio.runs.move(job, Status.RUNNING)
    events = EventWriter(folder.attempt(1).events)
    for step, loss in LOSSES.items():
        write(folder.checkpoints, step, Retention(latest=9), {})
        if step != 20:
            events.append(Metric(step=step, epoch=1.0, values={"eval_loss": loss}))
        told = loss if step == 20 else None
        events.append(Checkpoint(step=step, name=f"step-{step:08d}", bytes=1000, eval_loss=told))
    events.close()
    return studio.runs.get(job.id)


def test_the_list_says_which_is_the_best_the_latest_and_pinned(studio: Studio, job: Job) -> None:
    studio.checkpoints.pin(job.id, 10, actor=ALICE)
    (studio.runs.folder(job.id).checkpoints / "step-00000040").mkdir()  # never finished
    (studio.runs.folder(job.id).checkpoints / "step-00000030-copy").mkdir()  # somebody's own
    found = studio.checkpoints.of(job.id)
    assert [(one.step, one.eval_loss, one.badges) for one in found] == [
        (30, 2.0, ("latest",)),
        (20, 1.5, ("best",)),
        (10, 2.5, ("pinned",)),
    ]
    assert all(one.bytes > 1000 for one in found)


def test_of_rewards_the_highest_is_the_best(studio: Studio, job: Job) -> None:
    events = EventWriter(studio.runs.folder(job.id).attempt(1).events)
    for step, reward in {10: 0.2, 20: 0.7, 30: 0.4}.items():
        events.append(Metric(step=step, epoch=1.0, values={"eval_reward": reward}))
    events.close()
    found = studio.checkpoints.of(job.id)
    assert [(one.evaluation, one.badges) for one in found] == [
        ("reward 0.400", ("latest",)),
        ("reward 0.700", ("best",)),
        ("reward 0.200", ()),
    ]


def test_a_pin_overrules_the_three_numbers_until_it_is_taken_off(studio: Studio, job: Job) -> None:
    folder = studio.runs.folder(job.id).checkpoints
    for _ in range(2):
        studio.checkpoints.pin(job.id, 10, actor=ALICE)
    assert ALICE.email in (folder / "step-00000010" / PIN).read_text()
    write(folder, 40, Retention(best=0, latest=1), {})
    assert sorted(sealed(folder)) == [10, 40]
    assert manifest.damage(folder / "step-00000010") is None
    studio.checkpoints.unpin(job.id, 10, actor=ALICE)
    write(folder, 50, Retention(best=0, latest=1), {})
    assert sorted(sealed(folder)) == [50]
    with pytest.raises(NotFound, match="no checkpoint of step 10"):
        studio.checkpoints.pin(job.id, 10, actor=ALICE)


def test_a_step_that_is_written_again_keeps_its_pin(studio: Studio, job: Job) -> None:
    folder = studio.runs.folder(job.id).checkpoints
    studio.checkpoints.pin(job.id, 20, actor=ALICE)
    again = write(folder, 20, Retention(latest=9), {})
    assert (again / PIN).exists()
    studio.checkpoints.unpin(job.id, 20, actor=ALICE)
    assert manifest.damage(again) is None


def test_every_pin_that_was_accepted_holds_while_a_trainer_tidies_up(studio: Studio, job: Job) -> None:
    """The trainer lets go of everything but the newest, as fast as it can; a person pins whatever is listed."""
    folder = studio.runs.folder(job.id).checkpoints
    over = threading.Event()

    def train() -> None:
        for step in range(40, 90):
            write(folder, step, Retention(best=0, latest=1), {})
        over.set()

    trainer = threading.Thread(target=train)
    trainer.start()
    accepted, refused = set(), 0
    while not over.is_set():
        for step in list(sealed(folder)):
            try:
                studio.checkpoints.pin(job.id, step, actor=ALICE)
                accepted.add(step)
            except NotFound:
                refused += 1
    trainer.join()
    assert accepted
    assert set(sealed(folder)) == accepted | {89}


def test_what_may_not_be_deleted_says_why(studio: Studio, job: Job) -> None:
    studio.checkpoints.pin(job.id, 10, actor=ALICE)
    with pytest.raises(Conflict, match=r"step 10 is pinned\. Unpin it first"):
        studio.checkpoints.delete(job.id, 10, actor=ALICE)
    with pytest.raises(Conflict, match="would go on from step 30"):
        studio.checkpoints.delete(job.id, 30, actor=ALICE)
    studio.checkpoints.delete(job.id, 20, actor=ALICE)
    (kept,) = studio.home.trash.iterdir()
    assert kept.name.endswith(f"-{job.id}-step-00000020")
    assert manifest.damage(kept) is None

    studio.runs.move(job, Status.PAUSED)
    studio.checkpoints.delete(job.id, 30, actor=ALICE)
    assert [(one.step, one.stays[:20]) for one in studio.checkpoints.of(job.id)] == [(10, "The checkpoint of st")]


def test_a_job_that_is_starting_keeps_all_it_may_go_on_from(studio: Studio, job: Job) -> None:
    studio.runs.move(job, Status.PAUSED)
    studio.runs.resume(job.id, actor=ALICE)
    assert studio.runs.claim_next()
    with pytest.raises(Conflict, match="is starting and may go on from this"):
        studio.checkpoints.delete(job.id, 10, actor=ALICE)


@contextmanager
def busy_with(folder: Path) -> Iterator[None]:
    """Somebody else holds the checkpoints, and does not let go."""
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with alone_with(folder):
            held.set()
            release.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    yield
    release.set()
    holder.join()


def test_a_trainer_does_not_wait_for_ever_and_tidies_up_next_time(studio: Studio, job: Job) -> None:
    folder = studio.runs.folder(job.id).checkpoints
    with busy_with(folder), pytest.raises(TimeoutError), alone_with(folder, patience_s=0.05):
        raise AssertionError("both hold it")
    with busy_with(folder):
        trainers.tidy_if_possible(folder, Retention(best=0, latest=1), {}, patience_s=0.05)
    assert sorted(sealed(folder)) == [10, 20, 30]
    trainers.tidy_if_possible(folder, Retention(best=0, latest=1), {})
    assert sorted(sealed(folder)) == [30]


def test_the_command_line_lists_pins_and_deletes(studio: Studio, job: Job) -> None:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["jobs", *map(str, arguments), "--data-dir", str(studio.home.path)])

    assert "is pinned." in run("pin", job.id, 20).output
    listed = [json.loads(line) for line in run("checkpoints", job.id, "--json").stdout.splitlines()]
    assert [(one["step"], one["is_best"], one["is_pinned"]) for one in listed] == [
        (30, False, False),
        (20, True, True),
        (10, False, False),
    ]
    refused = run("rm-checkpoint", job.id, 20)
    assert (refused.exit_code, "Unpin it first" in refused.stderr) == (65, True)
    assert "not pinned any more" in run("unpin", job.id, 20).output
    assert "is deleted" in run("rm-checkpoint", job.id, 20).output
    assert "no checkpoint of step 20" in run("pin", job.id, 20).stderr
    assert "best" not in run("checkpoints", "nobody").stdout
    assert "2.0000" in run("checkpoints", job.id).stdout


def test_an_earlier_version_s_run_can_be_read(studio: Studio, job: Job) -> None:
    """It knew three numbers and no interval."""
    path = RunFolder(studio.home.runs / job.id).path / "spec.json"
    spec = json.loads(path.read_text())
    spec["retention"] = {"best": 2, "latest": 3, "every": 0}
    for group in (spec["hyperparameters"], spec["asked"]["hyperparameters"]):
        del group["eval_steps"]
    path.write_text(json.dumps(spec))
    found = studio.runs.run_spec(job.id)
    assert (found.retention.best, found.retention.save_minutes, found.hyperparameters.eval_steps) == (2, 10, 0)
