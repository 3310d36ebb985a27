"""Checkpoints that are whole or not there: `checkpoints/step-00000200/`, its MANIFEST.json written last."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from storage import manifest

KEPT = 2
#: The Trainer writes here; what is in it belongs to nobody yet.
WORK = f"work{manifest.PARTIAL}"


def seal(written: Path, checkpoints: Path, step: int) -> Path:
    """Make what the Trainer has written a checkpoint, then let go of all but the newest two."""
    final = checkpoints / f"step-{step:08d}"
    # The same step of an earlier attempt.
    shutil.rmtree(final, ignore_errors=True)
    manifest.seal(written, final)
    for old in newest_first(checkpoints)[KEPT:]:
        shutil.rmtree(old)
    return final


def newest_valid(checkpoints: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest checkpoint of which every byte is as it was written; damaged ones are set aside, and told."""
    for folder in newest_first(checkpoints):
        damage = manifest.damage(folder)
        if damage is None:
            return folder
        folder.rename(folder.with_name(f"damaged-{folder.name}-{time.time_ns()}"))
        tell(f"A damaged checkpoint was set aside: {damage}")
    return None


def step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def newest_first(checkpoints: Path) -> list[Path]:
    return sorted(checkpoints.glob("step-[0-9]*"), reverse=True)


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
