"""When checkpoints are written, and which stay: the best, the latest, every so many steps, and pinned ones.

`ranks` are evaluations by step, lower is better: a loss as it is, a reward with its sign turned (`storage.measures`).
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import Field

from storage import manifest
from storage.methods import Record

#: A checkpoint with this file in it is never removed.
PIN = "PINNED"
#: How long somebody who looks through the checkpoints may keep another waiting. A rename takes microseconds.
PATIENCE_S = 5.0
_TRY_EVERY_S = 0.02


class Retention(Record):
    """Determined's three numbers."""

    best: int = Field(
        1, ge=0, le=100, title="Best Checkpoints", description="Checkpoints with the best evaluation to keep"
    )
    latest: int = Field(2, ge=1, le=100, title="Latest Checkpoints", description="Newest checkpoints to keep")
    every: int = Field(
        0, ge=0, le=1_000_000, title="Keep Every N Steps",
        description="Also write and keep those whose step is a multiple; 0 = none",
    )  # fmt: skip


class Checkpointing(Retention):
    """Besides each epoch's end. Writing takes 3 % of the time at most: where it is slow, fewer are written."""

    save_minutes: float = Field(
        10, ge=0, le=10_080, title="Checkpoint Every N Minutes",
        description="Minutes between checkpoints within an epoch: what a crash can cost; 0 = at its end only",
    )  # fmt: skip
    save_steps: int = Field(
        0, ge=0, le=1_000_000, title="Checkpoint Every N Steps",
        description="Also after so many steps; 0 = by the clock only",
    )  # fmt: skip


def kept_steps(steps: Iterable[int], keep: Retention, ranks: Mapping[int, float]) -> set[int]:
    """Of these steps, the ones whose checkpoint stays. A step without evaluation cannot be among the best."""
    newest_first = sorted(steps, reverse=True)
    judged = sorted((ranks[step], step) for step in newest_first if step in ranks)
    return {
        *newest_first[: keep.latest],
        *(step for _, step in judged[: keep.best]),
        *(step for step in newest_first if keep.every and step % keep.every == 0),
    }


def superfluous(checkpoints: Path, keep: Retention, ranks: Mapping[int, float]) -> list[Path]:
    """Sealed checkpoints that may go, oldest first. What is not whole is not counted, and not touched."""
    whole = sealed(checkpoints)
    stay = kept_steps(whole, keep, ranks)
    return [path for step, path in sorted(whole.items()) if step not in stay and not (path / PIN).exists()]


def sealed(checkpoints: Path) -> dict[int, Path]:
    """Every whole checkpoint by its step."""
    named = (path for path in checkpoints.glob("step-[0-9]*") if path.name.removeprefix("step-").isdecimal())
    return {step_of(path): path for path in named if manifest.is_sealed(path)}


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("step-"))


@contextlib.contextmanager
def alone_with(checkpoints: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Nobody else pins or removes meanwhile: a pin set while the trainer tidies up is seen, or refused.

    Raises TimeoutError. The kernel frees the lock when its holder dies; one that stands still does not block us.
    """
    descriptor = os.open(checkpoints, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, time.monotonic() + patience_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("Somebody else is busy with these checkpoints.") from None
            time.sleep(_TRY_EVERY_S)
