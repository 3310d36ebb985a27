"""`MANIFEST.json`, written last: a checkpoint or output folder without a valid one does not exist.

HF's `get_last_checkpoint` takes the highest number unseen; of six kinds of damage five crash the resume and one
silently restarts the optimizer. So every folder that matters lists its files with size and sha256.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from storage.files import fsync_path, read_json, sha256_of, write_json

NAME = "MANIFEST.json"
PARTIAL = ".partial"


def seal(partial: Path, final: Path) -> None:
    """Turn `partial` into `final`: every file fsynced, the manifest written last, then one rename."""
    files = sorted(path for path in partial.rglob("*") if path.is_file() and path.name != NAME)
    for path in files:
        fsync_path(path)
    told = {
        path.relative_to(partial).as_posix(): {"size": path.stat().st_size, "sha256": sha256_of(path)} for path in files
    }
    write_json(partial / NAME, {"files": told})
    partial.rename(final)
    fsync_path(final.parent)


def link(sealed: Path, copy: Path) -> None:
    """A second folder with the same files: sealed ones never change, so they need no room of their own.

    They are copied where the file system has no hard links. The manifest comes last here, too.
    """
    for path in sorted(sealed.rglob("*"), key=lambda path: (path == sealed / NAME, path)):
        target = copy / path.relative_to(sealed)
        if path.is_file():
            link_file(path, target)


def link_file(path: Path, target: Path) -> None:
    """One file of a sealed folder, in another folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def is_sealed(folder: Path) -> bool:
    """Whether the folder was finished. Cheap: reads names and sizes, not contents."""
    return _damage(folder, deep=False) is None


def size(folder: Path) -> int:
    """Bytes of a sealed folder, as its manifest says."""
    return sum(int(entry["size"]) for entry in entries(folder).values())


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """Name → size and sha256; nothing where there is no manifest."""
    found: dict[str, dict[str, Any]] = (read_json(folder / NAME) or {}).get("files", {})
    return found


def damage(folder: Path) -> str | None:
    """What is wrong with a sealed folder, as a sentence; None when every byte is as it was written."""
    return _damage(folder, deep=True)


def _damage(folder: Path, *, deep: bool) -> str | None:
    manifest = read_json(folder / NAME)
    if manifest is None:
        return f"{folder.name} has no {NAME}: it was never finished."
    for name, entry in manifest.get("files", {}).items():
        path = folder / name
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return f"{folder.name}/{name} is missing."
        if size != entry["size"]:
            return f"{folder.name}/{name} has {size} bytes instead of {entry['size']}."
        if deep and sha256_of(path) != entry["sha256"]:
            return f"{folder.name}/{name} has changed since it was written."
    return None
