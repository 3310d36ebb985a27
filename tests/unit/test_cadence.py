"""When a checkpoint within an epoch is due: by the clock, by the step, and never at the cost of the training."""

import pytest

from storage.retention import Checkpointing
from training.cadence import MOST_SHARE, Cadence


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def due_steps(plan: Checkpointing, *, steps: int, step_s: float, write_s: float) -> tuple[list[int], list[str], float]:
    """Steps after which is written, what is told, and how much of the time the writing takes."""
    clock = Clock()
    cadence = Cadence(plan, clock)
    written, told = [], []
    for step in range(1, steps + 1):
        clock.now += step_s
        if cadence.is_due(step):
            written.append(step)
            clock.now += write_s
            cadence.written(write_s)
        elif sentence := cadence.stretched(step):
            told.append(sentence)
    return written, told, len(written) * write_s / clock.now


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Checkpointing(save_minutes=10), [10, 20, 30]),
        (Checkpointing(save_minutes=0), []),
        (Checkpointing(save_minutes=0, save_steps=12), [12, 24]),
        (Checkpointing(save_minutes=0, every=15), [15, 30]),
        # A write by its number begins a new interval of the clock.
        (Checkpointing(save_minutes=10, save_steps=8), [8, 16, 24, 32]),
        (Checkpointing(save_minutes=5, save_steps=8), [5, 8, 13, 16, 21, 24, 29, 32]),
    ],
)
def test_by_the_clock_and_by_the_step(plan: Checkpointing, expected: list[int]) -> None:
    written, told, _ = due_steps(plan, steps=35, step_s=60, write_s=0)
    assert (written, told) == (expected, [])


@pytest.mark.parametrize("plan", [Checkpointing(save_minutes=1), Checkpointing(save_minutes=0, save_steps=1)])
def test_slow_writing_stretches_the_interval_and_says_so_once(plan: Checkpointing) -> None:
    written, told, share = due_steps(plan, steps=5000, step_s=2, write_s=30)
    assert len(written) > 5
    assert share <= MOST_SHARE * 1.1
    assert len(told) == 1
    assert "takes 30.0 s" in told[0]
    assert "at least 1000 s apart" in told[0]


def test_a_new_best_is_due_where_the_best_are_kept_unless_one_was_just_written() -> None:
    clock = Clock()
    cadence = Cadence(Checkpointing(), clock)
    assert cadence.is_due(7, is_best=True)
    cadence.written(1.0)
    assert not cadence.is_due(8, is_best=True)
    clock.now += 1 / MOST_SHARE
    assert cadence.is_due(9, is_best=True)
    assert not Cadence(Checkpointing(best=0), clock).is_due(9, is_best=True)
