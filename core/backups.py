"""Copies of the index: every day, before the schema changes, and on request. The run folders need none: they are it."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import BadHome
from core.home import Home
from core.stamps import PATTERN, moment, stamp
from storage import snapshot
from storage.files import sha256_of

KEPT = 7
NIGHTLY = "nightly"
_NAME = re.compile(rf"tunesmith-(?P<stamp>{PATTERN})-(?P<reason>[a-z0-9-]+)\.db")


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    at: datetime
    reason: str


class Backups:
    def __init__(self, home: Home) -> None:
        self._home = home

    def newest_first(self) -> list[Backup]:
        return sorted(self._found(), key=lambda backup: backup.path.name, reverse=True)

    def newest_valid(self) -> Backup | None:
        return next((backup for backup in self.newest_first() if snapshot.damage(backup.path) is None), None)

    def take_before_upgrade(self, revision: str) -> Path:
        """Once for each state of the index: an upgrade that is tried again and again must not push the others out."""
        reason = f"before-upgrade-from-{revision}"
        last = next((backup for backup in self.newest_first() if backup.reason == reason), None)
        copy = self._copy(reason)
        if last and sha256_of(last.path) == sha256_of(copy):
            copy.unlink()
            return last.path
        self._keep_the_newest()
        return copy

    def take(self, reason: str) -> Path:
        """Copy the index as it is now, prove the copy, keep the newest seven. Raises StudioError; then all stays."""
        copy = self._copy(reason)
        self._keep_the_newest()
        return copy

    def _copy(self, reason: str) -> Path:
        source = self._home.database
        if not source.exists():
            raise BadHome(f"There is no index {source} to back up yet. Start the studio once: tunesmith serve.")
        self._home.require_free(source.stat().st_size, "The backup")
        self._home.backups.mkdir(mode=0o700, exist_ok=True)
        target = self._home.backups / f"tunesmith-{stamp()}-{reason}.db"
        try:
            snapshot.copy(source, target)
        except (snapshot.Damaged, sqlite3.Error, OSError) as error:
            raise BadHome(
                f"The index {source} could not be backed up ({error}). Look at it with: tunesmith doctor."
            ) from error
        return target

    def _keep_the_newest(self) -> None:
        for old in self.newest_first()[KEPT:]:
            old.path.unlink(missing_ok=True)

    def take_daily(self) -> Path | None:
        """The day's backup, unless it is there: the files' names are the record of what has been done."""
        today = datetime.now(UTC).date()
        done = any(backup.at.date() == today for backup in self._found() if backup.reason == NIGHTLY)
        return None if done else self.take(NIGHTLY)

    def _found(self) -> Iterator[Backup]:
        for path in self._home.backups.glob("tunesmith-*.db"):
            name = _NAME.fullmatch(path.name)
            at = moment(name["stamp"]) if name else None
            if name and at:
                yield Backup(path, at, name["reason"])
