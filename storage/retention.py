"""Which checkpoints stay: the best, the latest, every so many steps, and pinned ones. Determined's three numbers."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from storage import manifest
from storage.methods import Record

#: A checkpoint with this file in it is never removed.
PIN = "PINNED"


class Retention(Record):
    best: int = Field(
        1, ge=0, le=100, title="Best checkpoints", description="Checkpoints with the lowest evaluation loss to keep"
    )
    latest: int = Field(2, ge=1, le=100, title="Latest checkpoints", description="Newest checkpoints to keep")
    every: int = Field(
        0, ge=0, le=1_000_000, title="Every N steps", description="Also keep those whose step is a multiple; 0 = none"
    )


def kept_steps(steps: Iterable[int], keep: Retention, losses: Mapping[int, float]) -> set[int]:
    """Of these steps, the ones whose checkpoint stays. A step without evaluation cannot be among the best."""
    newest_first = sorted(steps, reverse=True)
    judged = sorted((losses[step], step) for step in newest_first if step in losses)
    return {
        *newest_first[: keep.latest],
        *(step for _, step in judged[: keep.best]),
        *(step for step in newest_first if keep.every and step % keep.every == 0),
    }


def superfluous(checkpoints: Path, keep: Retention, losses: Mapping[int, float]) -> list[Path]:
    """Sealed checkpoints that may go, oldest first. What is not whole is not counted, and not touched."""
    whole = {step_of(path): path for path in checkpoints.glob("step-[0-9]*") if manifest.is_sealed(path)}
    stay = kept_steps(whole, keep, losses)
    return [path for step, path in sorted(whole.items()) if step not in stay and not (path / PIN).exists()]


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("step-"))
