"""Metrics told to a tracker by a process beside the trainer: read back from TensorBoard's own file, and told on after a
restart of the studio; what fails is a sentence and hurts nobody."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.mirrors import Mirrors
from core.tracking import Tracking
from storage.event_log import EventWriter
from storage.events import Finished, Metric
from storage.files import write_json
from storage.run_folder import RunFolder
from storage.spec import RunSpec
from storage.status import Status
from storage.tables import Job
from storage.trackers import FOLDER, MirrorState, Tracker

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]

CANARY = "0123456789abcdef-canary-key-0123456789"


class Studio:
    """The part of a studio that looks after trackers, over a run that the test tells itself."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.grace_s = 60.0
        self.home = run.path.parents[1]
        self.status, self.attempt = Status.RUNNING, 1
        self.tracking = Tracking(self.home)
        self.mirrors = self._mirrors()

    def _mirrors(self) -> Mirrors:
        return Mirrors(self.home, self.tracking, self._job, self._spec, lambda job_id: None, self.grace_s)

    def restart(self) -> None:
        self.mirrors.stop()
        self.mirrors = self._mirrors()
        self.mirrors.start()

    def change(self, status: Status, attempt: int = 1) -> None:
        self.status, self.attempt = status, attempt
        self.mirrors.note(self.run.job_id)

    def state(self, tracker: Tracker) -> MirrorState:
        return MirrorState.read(self.run.path, tracker) or MirrorState()

    def wait_for(self, tracker: Tracker, is_there: Callable[[MirrorState], bool]) -> MirrorState:
        deadline = time.monotonic() + 60
        while not is_there(self.state(tracker)):
            assert time.monotonic() < deadline, self.state(tracker)
            time.sleep(0.05)
        return self.state(tracker)

    def _job(self, job_id: str) -> Job:
        assert job_id == self.run.job_id
        return Job(id=job_id, status=self.status, attempt=self.attempt)

    def _spec(self, _: str) -> RunSpec:
        return self.run.spec()


@pytest.fixture
def studio(tiny_folder: Callable[..., RunFolder], request: pytest.FixtureRequest) -> Any:
    run = tiny_folder(trackers=request.param)
    made = Studio(run)
    made.mirrors.start()
    yield made
    made.mirrors.stop()


def tell(run: RunFolder, attempt: int, steps: range) -> EventWriter:
    folder = run.attempt(attempt)
    folder.claim(f"token-{attempt}")
    events = EventWriter(folder.events)
    for step in steps:
        events.append(Metric(step=step, epoch=step / 10, values={"loss": 1 / step, "eval_loss": None}))
    return events


def end(run: RunFolder, attempt: int, events: EventWriter, outcome: Any) -> None:
    events.append(Finished(outcome=outcome, step=3))
    events.close()
    path = run.attempt(attempt).path / "exit.json"
    write_json(path, {"returncode": 0, "signal": None, "token": f"token-{attempt}"})


def told(run: RunFolder) -> dict[int, float]:
    """From TensorBoard's own files, by its own reader."""
    found = EventAccumulator(str(run.path / FOLDER / "tensorboard"))
    found.Reload()
    assert found.Tags()["scalars"] == ["train/loss"]
    return {event.step: event.value for event in found.Scalars("train/loss")}


@pytest.mark.parametrize("studio", [(Tracker.TENSORBOARD,)], indirect=True)
def test_tensorboard_reads_every_step_across_a_restart_and_a_further_attempt(studio: Studio) -> None:
    run = studio.run
    events = tell(run, 1, range(1, 4))
    studio.change(Status.PREPARING)
    studio.wait_for(Tracker.TENSORBOARD, lambda state: state.offset == run.attempt(1).events.stat().st_size)
    # The studio ends in the middle of the run: no mirror outlives it, and the next studio goes on where it was.
    studio.restart()
    events.append(Metric(step=4, epoch=0.4, values={"loss": 0.25}))
    end(run, 1, events, "paused")
    studio.change(Status.PAUSED)
    studio.wait_for(Tracker.TENSORBOARD, lambda state: state.state == "done")

    end(run, 2, tell(run, 2, range(5, 7)), "completed")
    # Over before anybody looked: it is told all the same, and told once.
    studio.change(Status.COMPLETED, attempt=2)
    studio.wait_for(Tracker.TENSORBOARD, lambda state: state.attempt == 2 and state.state == "done")
    files = len(list((run.path / FOLDER / "tensorboard").iterdir()))
    studio.restart()
    studio.change(Status.COMPLETED, attempt=2)
    studio.mirrors.stop()
    assert len(list((run.path / FOLDER / "tensorboard").iterdir())) == files == 3
    assert told(run) == pytest.approx({step: 1 / step for step in range(1, 7)})


@pytest.mark.parametrize("studio", [(Tracker.WANDB, Tracker.TENSORBOARD)], indirect=True)
def test_a_tracker_that_fails_says_so_and_leaves_the_others_alone(studio: Studio) -> None:
    """Weights & Biases is not installed where the tests run; its key must not show in what is said about that."""
    run = studio.run
    studio.tracking.vault.put("wandb", CANARY)
    end(run, 1, tell(run, 1, range(1, 4)), "completed")
    studio.change(Status.RUNNING)
    failed = studio.wait_for(Tracker.WANDB, lambda state: state.state == "failed")
    assert "wandb is not installed here" in failed.message
    studio.wait_for(Tracker.TENSORBOARD, lambda state: state.state == "done")
    assert len(told(run)) == 3
    # Nor is it anywhere else in the data folder.
    for path in Path(studio.home).rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("studio", [(Tracker.TENSORBOARD,)], indirect=True)
def test_a_mirror_that_never_ends_is_ended_and_the_studio_says_so(studio: Studio) -> None:
    """As one does that waits for a network: here it waits for the record of an end that nobody writes."""
    studio.grace_s = 0.5
    studio.restart()
    tell(studio.run, 1, range(1, 4)).close()
    studio.change(Status.COMPLETED)
    failed = studio.wait_for(Tracker.TENSORBOARD, lambda state: state.state == "failed")
    assert failed.message == "It took too long after the run had ended."
