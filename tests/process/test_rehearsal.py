"""The longest batch is tried before the first step, and a run is the same to the last bit with it and without."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.event_log import read_events
from storage.events import Event, Finished, Metric, Phase
from storage.files import sha256_of
from storage.methods import Lora
from storage.process import TOKEN_VARIABLE
from storage.run_folder import RunFolder
from storage.spec import Objective

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


def train(*folders: RunFolder) -> list[tuple[Event, ...]]:
    token = secrets.token_hex(16)
    for folder in folders:
        folder.attempt(1).claim(token)
    attempts = [str(folder.attempt(1).path) for folder in folders]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("rehearsed.py")), *attempts],
        env={**os.environ, "PYTHONPATH": str(ROOT), TOKEN_VARIABLE: token}, cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [read_events(folder.attempt(1).events).events for folder in folders]


def curves(events: tuple[Event, ...]) -> list[dict[str, float | None]]:
    measured = (event.values for event in events if isinstance(event, Metric))
    timed = ("tokens_per_second", "step_seconds", "memory_bytes")
    return [{name: value for name, value in values.items() if name not in timed} for values in measured]


def weights(folder: RunFolder) -> str:
    return sha256_of(folder.output / "adapter_model.safetensors")


def phases(events: tuple[Event, ...]) -> list[str]:
    return [event.name for event in events if isinstance(event, Phase)]


def test_the_rehearsal_leaves_nothing_behind(tiny_folder: Callable[..., RunFolder]) -> None:
    asked = {"epochs": 2, "method": Lora(dropout=0.1)}
    without, rehearsed = tiny_folder(rehearsal="never", **asked), tiny_folder(rehearsal="always", **asked)
    pairs = {"epochs": 2, "objective": Objective.DPO}
    pairs_without, pairs_rehearsed = tiny_folder(rehearsal="never", **pairs), tiny_folder(rehearsal="always", **pairs)
    checkpointed = tiny_folder(rehearsal="always", gradient_checkpointing=True, **asked)
    told = train(without, rehearsed, pairs_without, pairs_rehearsed, checkpointed)
    assert all(isinstance(events[-1], Finished) for events in told)
    assert ["rehearsing" in phases(events) for events in told] == [False, True, False, True, True]
    # Told before the training begins, and with it the job counts as running.
    assert phases(told[1]).index("rehearsing") + 1 == phases(told[1]).index("training")
    for plain, tried in ((0, 1), (2, 3)):
        assert curves(told[tried]) == curves(told[plain])
    assert weights(rehearsed) == weights(without)
    assert weights(pairs_rehearsed) == weights(pairs_without)
    # What is computed again is the same, dropout included.
    losses = [[values["loss"] for values in curves(told[run]) if "loss" in values] for run in (1, 4)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def short_rows_and_a_long_one(count: int) -> list[dict[str, Any]]:
    answers = ["Because. " * (40 if number == count // 2 else 1) for number in range(count)]
    return [
        {"messages": [{"role": "user", "content": f"Why {number}?"}, {"role": "assistant", "content": answer}]}
        for number, answer in enumerate(answers)
    ]


def test_a_batch_that_comes_late_and_is_large_is_tried_first(tiny_folder: Callable[..., RunFolder]) -> None:
    """By itself, on a CPU, where the epoch is long beside it; a short one comes to it soon."""
    asked = {"batch_size": 64, "micro_batch_tokens": 64, "epochs": 1}
    long, short = (tiny_folder(short_rows_and_a_long_one(count), **asked) for count in (500, 24))
    events_of_long, events_of_short = train(long, short)
    assert isinstance(events_of_long[-1], Finished)
    [tried] = [event for event in events_of_long if isinstance(event, Phase) and event.name == "rehearsing"]
    assert tried.detail == "1 row in one pass"
    assert "rehearsing" not in phases(events_of_short)
