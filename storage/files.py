"""Files that are whole or not there: temp, fsync, rename. Standard library only; the supervisor uses it too."""

import contextlib
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` so that a reader sees the old file or the new one, never half of it, even after a power cut.

    Not `durable` costs no wait for the disk, and a power cut may leave nothing of it.
    """
    temp = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temp.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temp.replace(path)
    except OSError:
        # On a full disk the stump would keep the last bytes occupied.
        with contextlib.suppress(OSError):
            temp.unlink(missing_ok=True)
        raise
    if durable:
        fsync_path(path.parent)


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_atomic(path, json_bytes(value))


def json_bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`, or None where there is no such file (yet) or no JSON object in it."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def fsync_path(path: Path) -> None:
    """Make a file's bytes, or a rename inside a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_of(path: Path) -> int:
    """What a file or a folder occupies; files that vanish meanwhile count as nothing."""
    total = 0
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        try:
            total += 0 if file.is_symlink() or file.is_dir() else file.stat().st_size
        except FileNotFoundError:
            continue
    return total
