"""One run, shared by two processes as two GPUs would share it: the same steps, and one end for both."""

import os
import signal
from collections.abc import Callable

import pytest

from core.feed import Feed
from core.series import Point
from storage import manifest
from storage.events import Failed, Finished, Metric, Phase, Warn
from storage.files import sha256_of
from storage.methods import Lora
from storage.run_folder import Request
from storage.status import Cause

pytestmark = pytest.mark.process


def values(run, name: str) -> list[float]:
    return [event.values[name] for event in run.events if isinstance(event, Metric) and name in event.values]


def curve(run, name: str) -> tuple[Point, ...]:
    return Feed(run.folder.path.parent, lambda update: None).history(run.folder.job_id).series[name]


def weights(run) -> str:
    return sha256_of(run.folder.output / "adapter_model.safetensors")


def nobody_is_left(run) -> bool:
    return not any(identity.is_alive for identity in run.attempt.processes())


def test_two_processes_take_the_steps_of_one(tiny_run: Callable) -> None:
    """The loss is weighted by tokens across processes, so how a step is shared must not show in it."""
    shared = {"epochs": 3, "weights_dtype": "float32", "micro_batch_tokens": 150}
    one, two = (tiny_run(devices=devices, **shared) for devices in (1, 2))
    for run in (one, two):
        last = run.finish()
        assert isinstance(last, Finished), run.log()
        assert last.outcome == "completed"
    for name in ("loss", "grad_norm", "eval_loss", "learning_rate"):
        assert len(values(two, name)) == len(values(one, name)) > 3
        assert values(two, name) == pytest.approx(values(one, name), rel=1e-4), name
    assert two.events[-1].facts["tokens"] == one.events[-1].facts["tokens"]

    # One voice, one output, both processes' random states in the checkpoint.
    assert [event.seq for event in two.events] == list(range(len(two.events)))
    assert not any(isinstance(event, Warn) for event in two.events)
    training = next(event for event in two.events if isinstance(event, Phase) and event.name == "training")
    assert "shared by 2 processes" in training.detail
    assert manifest.damage(two.folder.output) is None
    newest = max(two.folder.checkpoints.glob("step-*"))
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {path.name for path in newest.iterdir()}
    assert manifest.damage(newest) is None
    assert (two.attempt.exit().returncode, two.attempt.exit().cause) == (0, None)
    assert len(two.attempt.processes()) == 3
    assert nobody_is_left(two)


def test_paused_and_resumed_two_processes_end_as_if_nothing_had_happened(tiny_run: Callable) -> None:
    shared = {"devices": 2, "epochs": 6, "method": Lora(dropout=0.1)}
    run = tiny_run(**shared)
    run.wait_for("checkpoint")
    run.attempt.request(Request.PAUSE)
    paused = run.finish()
    assert isinstance(paused, Finished), run.log()
    assert paused.outcome == "paused"
    assert nobody_is_left(run)
    again = run.resume()
    straight = tiny_run(**shared)
    for finished in (again, straight):
        assert isinstance(finished.finish(), Finished), finished.log()
    assert curve(again, "loss") == curve(straight, "loss")
    assert curve(again, "eval_loss") == curve(straight, "eval_loss")
    assert weights(again) == weights(straight)


def test_a_killed_process_takes_the_other_with_it_and_is_named(tiny_run: Callable) -> None:
    run = tiny_run(devices=2, epochs=1000)
    run.wait_for("metric")
    _, first, second = run.attempt.processes()
    os.kill(second.pid, signal.SIGKILL)
    run.finish(timeout_s=30)
    ending = run.attempt.exit()
    assert (ending.rank, ending.returncode, ending.signal) == (1, None, signal.SIGKILL)
    assert ending.cause in (Cause.KILLED_EXTERNALLY, Cause.OOM_HOST)
    # What the first process saw of it, a broken connection, is not taken for the reason.
    assert not any(isinstance(event, Failed) for event in run.events)
    assert not first.is_alive


def test_a_failure_elsewhere_is_told_by_the_first_process(tiny_run: Callable) -> None:
    run = tiny_run(devices=2, epochs=1000)
    run.wait_for("metric")
    training = next(event for event in run.events if isinstance(event, Phase) and event.name == "training")
    # Only the second process writes this file, and finds a folder in its place, some epochs from here.
    for epoch in range(8, 60):
        step = training.total // training.epochs * epoch
        (run.folder.checkpoints / "work.partial" / f"checkpoint-{step}" / "rng_state_1.pth").mkdir(parents=True)
    last = run.finish(timeout_s=90)
    assert isinstance(last, Failed), run.log()
    assert last.evidence.startswith("Rank 1: ")
    assert "Is a directory" in last.evidence
    assert [event.seq for event in run.events] == list(range(len(run.events)))
    assert nobody_is_left(run)


@pytest.mark.parametrize("who", ["the server", "somebody else"])
def test_a_cancel_that_one_process_hears_ends_both(tiny_run: Callable, who: str) -> None:
    run = tiny_run(devices=2, epochs=1000)
    run.wait_for("metric")
    if who == "the server":
        run.attempt.request(Request.CANCEL)
    else:
        os.kill(run.attempt.processes()[2].pid, signal.SIGTERM)
    last = run.finish(timeout_s=30)
    assert isinstance(last, Finished), run.log()
    assert last.outcome == "cancelled"
    assert (run.attempt.exit().returncode, run.attempt.exit().cause) == (0, None)
    assert nobody_is_left(run)
