"""Checkpoints that are whole or not there: `checkpoints/step-00000200/`, its MANIFEST.json written last."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from storage import manifest
from storage.retention import Retention, superfluous
from storage.run_folder import RunFolder

#: The Trainer writes here; what is in it belongs to nobody yet.
WORK = f"work{manifest.PARTIAL}"
#: Renamed so before it is unlinked: what a crash leaves of it is nobody's checkpoint.
GOING = "going-"


def seal(written: Path, checkpoints: Path, step: int, keep: Retention, losses: Mapping[int, float]) -> Path:
    """Make what the Trainer has written a checkpoint, then let go of those that `keep` does not name."""
    final = folder_of(checkpoints, step)
    if final.exists():  # the same step of an earlier attempt
        remove(final)
    manifest.seal(written, final)
    for old in superfluous(checkpoints, keep, losses):
        remove(old)
    return final


def folder_of(checkpoints: Path, step: int) -> Path:
    return checkpoints / f"step-{step:08d}"


def remove(checkpoint: Path) -> None:
    going = checkpoint.rename(checkpoint.with_name(f"{GOING}{checkpoint.name}-{time.time_ns()}{manifest.PARTIAL}"))
    shutil.rmtree(going)


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
