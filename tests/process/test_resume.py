"""Paused or killed, a run goes on as if nothing had happened: same curve, same weights."""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from core.feed import Feed
from core.series import Point
from storage import manifest
from storage.events import Checkpoint, Finished, Metric, Phase, Warn
from storage.files import sha256_of
from storage.retention import PIN, Checkpointing, alone_with
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


#: One row a step or so: a long epoch, in which no epoch's end is near.
LONG_EPOCHS = {"epochs": 3, "batch_size": 64, "eval_steps": 4}


def test_killed_within_an_epoch_it_loses_the_steps_since_the_last_checkpoint_only(tiny_run: Callable) -> None:
    straight = tiny_run(**LONG_EPOCHS, retention=Checkpointing(save_minutes=0))
    assert isinstance(straight.finish(), Finished), straight.log()
    steps = len(curve(straight, "loss"))
    ends = {steps * epoch // 3 for epoch in (1, 2, 3)}
    assert {int(path.name[5:]) for path in checkpoints_of(straight)} <= ends

    # Every twentieth of a second, by the clock; the first comes long before the first epoch's end.
    run = tiny_run(**LONG_EPOCHS, retention=Checkpointing(save_minutes=0.05 / 60))
    run.wait_for("checkpoint")
    os.kill(run.attempt.processes()[1].pid, signal.SIGKILL)
    run.process.wait(60)
    last_saved = [event.step for event in run.events if isinstance(event, Checkpoint)][-1]
    assert min(event.step for event in run.events if isinstance(event, Checkpoint)) not in ends

    again = run.resume()
    assert isinstance(again.finish(), Finished), again.log()
    first = next(event for event in again.events if isinstance(event, Metric))
    assert first.step == last_saved + 1
    for name in ("loss", "eval_loss", "learning_rate", "grad_norm"):
        assert curve(again, name) == curve(straight, name), name
    assert weights(again) == weights(straight)


def test_the_best_evaluation_within_an_epoch_is_kept(tiny_run: Callable) -> None:
    run = tiny_run(**LONG_EPOCHS, retention=Checkpointing(best=1, latest=1))
    assert isinstance(run.finish(), Finished), run.log()
    evaluated = {point.step: point.value for point in curve(run, "eval_loss")}
    steps = len(curve(run, "loss"))
    assert set(evaluated) == {0, *range(4, steps + 1, 4), *(steps * epoch // 3 for epoch in (1, 2, 3))}
    saved = {event.step: event.eval_loss for event in run.events if isinstance(event, Checkpoint)}
    # The first evaluation is the best so far, and so it is written at once.
    assert min(saved) == 4
    assert saved == {step: evaluated.get(step) for step in saved}
    best = min(saved, key=lambda step: (saved[step], step))
    assert {int(path.name[5:]) for path in checkpoints_of(run)} == {best, steps}


def test_a_pin_set_while_it_trains_stays(tiny_run: Callable) -> None:
    run = tiny_run(epochs=EPOCHS, retention=Checkpointing(best=0, latest=1))
    run.wait_for("checkpoint")
    with alone_with(run.folder.checkpoints):
        pinned = checkpoints_of(run)[-1]
        (pinned / PIN).touch()
    last = run.finish()
    assert isinstance(last, Finished), run.log()
    assert [path.name for path in checkpoints_of(run)] == [pinned.name, f"step-{last.step:08d}"]
    assert manifest.damage(pinned) is None


def test_two_devices_write_and_evaluate_within_an_epoch_together(tiny_run: Callable) -> None:
    """Only the first knows the clock and how long writing takes; were the others to decide for themselves, they would
    wait for each other for ever."""
    run = tiny_run(**LONG_EPOCHS | {"epochs": 1}, devices=2, retention=Checkpointing(save_minutes=0.05 / 60))
    assert isinstance(run.finish(), Finished), run.log()
    steps = len(curve(run, "loss"))
    saved = {event.step: event.eval_loss for event in run.events if isinstance(event, Checkpoint)}
    assert min(saved) < steps
    assert {point.step for point in curve(run, "eval_loss")} == {0, *range(4, steps, 4), steps}
    assert all(manifest.damage(folder) is None for folder in checkpoints_of(run))
