"""Checkpoints that are whole or not there: `checkpoints/step-00000200/`, its MANIFEST.json written last."""

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from storage import manifest
from storage.retention import PATIENCE_S, PIN, Retention, alone_with, superfluous
from storage.run_folder import RunFolder

#: The Trainer writes here; what is in it belongs to nobody yet.
WORK = f"work{manifest.PARTIAL}"
#: Renamed so before it is unlinked: what a crash leaves of it is nobody's checkpoint.
GOING = "going-"


def seal(written: Path, checkpoints: Path, step: int, keep: Retention, ranks: Mapping[int, float]) -> Path:
    """Make what the Trainer has written a checkpoint, then let go of those that `keep` does not name."""
    final = folder_of(checkpoints, step)
    pinned = replace_earlier(final)
    manifest.seal(written, final)
    if pinned:
        (final / PIN).touch()
    tidy_if_possible(checkpoints, keep, ranks)
    return final


def folder_of(checkpoints: Path, step: int) -> Path:
    return checkpoints / f"step-{step:08d}"


def replace_earlier(final: Path) -> bool:
    """Make way for the same step of an earlier attempt; whether that one was pinned."""
    if not final.exists():
        return False
    with alone_with(final.parent):
        pinned = (final / PIN).exists()
        going = put_aside(final)
    shutil.rmtree(going)
    return pinned


def tidy_if_possible(
    checkpoints: Path, keep: Retention, ranks: Mapping[int, float], patience_s: float = PATIENCE_S
) -> None:
    """Let go of what `keep` does not name. While somebody else is at it, it waits for the next time."""
    with contextlib.suppress(TimeoutError):
        with alone_with(checkpoints, patience_s):
            going = [put_aside(old) for old in superfluous(checkpoints, keep, ranks)]
        for old in going:
            shutil.rmtree(old)


def put_aside(checkpoint: Path) -> Path:
    return checkpoint.rename(checkpoint.with_name(f"{GOING}{checkpoint.name}-{time.time_ns()}{manifest.PARTIAL}"))


def discard_unfinished(run: RunFolder) -> None:
    """Give back the room of what was being written; sealed folders stay as they are."""
    for unfinished in (run.checkpoints / WORK, run.output.with_name(f"{run.output.name}{manifest.PARTIAL}")):
        shutil.rmtree(unfinished, ignore_errors=True)


def newest_valid(checkpoints: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest checkpoint of which every byte is as it was written; damaged ones are set aside, and told."""
    for folder in newest_first(checkpoints):
        damage = manifest.damage(folder)
        if damage is None:
            return folder
        folder.rename(folder.with_name(f"damaged-{folder.name}-{time.time_ns()}"))
        tell(f"A damaged checkpoint was set aside: {damage}")
    return None


def newest_first(checkpoints: Path) -> list[Path]:
    return sorted(checkpoints.glob("step-[0-9]*"), reverse=True)
