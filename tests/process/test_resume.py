"""Paused or killed, a run goes on as if nothing had happened: same curve, same weights."""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from core.feed import Feed
from core.series import Point
from storage import manifest
from storage.events import Checkpoint, Finished, Phase, Warn
from storage.files import sha256_of
from storage.run_folder import Request

pytestmark = pytest.mark.process

EPOCHS = 12


def curve(run, name: str) -> tuple[Point, ...]:
    return Feed(run.folder.path.parent, lambda update: None).history(run.folder.job_id).series[name]


def weights(run) -> str:
    return sha256_of(run.folder.output / "adapter_model.safetensors")


def checkpoints_of(run) -> list[Path]:
    return sorted((run.folder.path / "checkpoints").glob("step-*"))


def warnings_of(run) -> Iterable[str]:
    return (event.message for event in run.events if isinstance(event, Warn))


@pytest.fixture
def straight(tiny_run: Callable):
    run = tiny_run(epochs=EPOCHS)
    assert isinstance(run.finish(), Finished), run.log()
    return run


def test_paused_and_resumed_is_the_straight_run(tiny_run: Callable, straight) -> None:
    run = tiny_run(epochs=EPOCHS)
    run.wait_for("checkpoint")
    run.attempt.request(Request.PAUSE)
    paused = run.finish()
    assert isinstance(paused, Finished)
    assert paused.outcome == "paused", run.log()
    # Saved at the very step it stopped at, in the middle of an epoch or not.
    assert checkpoints_of(run)[-1].name == f"step-{paused.step:08d}"

    again = run.resume()
    assert isinstance(again.finish(), Finished), again.log()
    training = next(event for event in again.events if isinstance(event, Phase) and event.name == "training")
    assert training.done == paused.step
    for name in ("loss", "eval_loss", "learning_rate", "grad_norm"):
        assert curve(again, name) == curve(straight, name), name
    assert weights(again) == weights(straight)


def test_killed_it_goes_on_from_its_newest_whole_checkpoint(tiny_run: Callable, straight) -> None:
    run = tiny_run(epochs=EPOCHS)
    while sum(isinstance(event, Checkpoint) for event in run.events) < 2:
        run.wait_for("checkpoint")
    os.kill(run.attempt.processes()[1].pid, signal.SIGKILL)
    run.process.wait(60)
    # The newest checkpoint lost its optimizer: the Trainer alone would resume silently with a fresh one.
    newest = checkpoints_of(run)[-1]
    (newest / "optimizer.pt").unlink()

    again = run.resume()
    assert isinstance(again.finish(), Finished), again.log()
    assert any("optimizer.pt is missing" in message for message in warnings_of(again))
    assert curve(again, "loss") == curve(straight, "loss")
    assert weights(again) == weights(straight)
    assert all(manifest.damage(folder) is None for folder in checkpoints_of(again))
