"""Deletion in two steps: a rename that cannot stop half-way, and the unlinking later."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.errors import Conflict
from core.home import Home
from core.stamps import moment, stamp
from storage.files import bytes_of, fsync_path

KEPT_FOR = timedelta(days=7)
STAMP_LENGTH = len(stamp())


@dataclass(frozen=True, slots=True)
class Removed:
    """What went (or would go), and the room that makes."""

    path: Path
    bytes: int
    why: str


class Trash:
    def __init__(self, home: Home) -> None:
        self._folder = home.trash

    def take(self, path: Path, called: str = "") -> Path:
        """Out of its place at once; one that is missing already counts as taken. `called` tells where it was."""
        kept_at = self._folder / f"{stamp()}-{called or path.name}"
        try:
            path.rename(kept_at)
        except FileNotFoundError:
            return kept_at
        except OSError as error:
            raise Conflict(
                "{path} cannot be moved to {folder} ({error}). Keep both on one volume and writable, then try again.",
                path=path,
                folder=self._folder,
                error=error.strerror,
            ) from error
        fsync_path(path.parent)
        return kept_at

    def old(self) -> list[Removed]:
        """What has lain here for longer than a week."""
        since = datetime.now(UTC) - KEPT_FOR
        dated = [(moment(path.name[:STAMP_LENGTH]), path) for path in sorted(self._folder.iterdir())]
        return [Removed(path, bytes_of(path), "a week in the trash") for at, path in dated if at and at < since]

    def empty(self) -> int:
        """Unlink what is old; how many bytes that frees."""
        old = self.old()
        for item in old:
            unlink(item.path)
        return sum(item.bytes for item in old)


def unlink(path: Path) -> None:
    """Remove a file or a folder for good."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
