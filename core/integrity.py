"""Once a week every page and every entry of the index is read. Every start only looks at the pages, which is quick."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.home import Home
from storage import snapshot
from storage.files import read_json, write_json

EVERY = timedelta(days=7)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """`found` is SQLite's list of damages; empty for a sound index."""

    at: datetime
    found: str


class Integrity:
    """What the last check found stands in `<home>/integrity.json`, for the doctor."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._record = home.path / "integrity.json"

    def last(self) -> Checked | None:
        content = read_json(self._record) or {}
        try:
            return Checked(datetime.fromisoformat(content["at"]).astimezone(UTC), str(content["found"]))
        except (KeyError, TypeError, ValueError):
            return None

    def check_weekly(self) -> None:
        last = self.last()
        # A clock that was wrong once must not put the next check off for years.
        if last is None or not timedelta(0) <= datetime.now(UTC) - last.at < EVERY:
            self.check()

    def check(self) -> None:
        """Writers go on meanwhile."""
        try:
            found = snapshot.damage(self._home.database, thorough=True) or ""
        except sqlite3.OperationalError as error:
            log.warning("The index could not be checked and is tried again in ten minutes (%s).", error)
            return
        write_json(self._record, {"at": datetime.now(UTC).isoformat(), "found": found})
        if found:
            log.error("The index %s is damaged (%s). Look at it with: tunesmith doctor.", self._home.database, found)

    def forget(self) -> None:
        """Another file has taken the index's place."""
        self._record.unlink(missing_ok=True)
