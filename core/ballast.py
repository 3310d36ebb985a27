"""A file that only takes room. On a full disk it is deleted, and what matters can be written again."""

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from core.errors import Conflict, DiskFull
from core.home import Home


class Ballast:
    """`<home>/.ballast`. It belongs to the server; whoever meets a full disk may drop it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.path = home.path / ".ballast"
        #: Less than this and the next write may fail: the ballast goes overboard.
        self._alarm_bytes = home.ballast_bytes // 8
        self._lock = threading.Lock()

    def tend(self) -> None:
        """Drop it on a full disk, and make it again where there is room enough. Cheap; called once a second."""
        with self._lock:
            free = self._home.free_bytes()
            if free < self._alarm_bytes:
                self.drop()
            # Twice its size above the floor: what dropping it frees must never be enough to make it again.
            elif free >= self._home.floor_bytes + 2 * self._home.ballast_bytes and not self.path.exists():
                self._make()

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    def ensure_room(self) -> None:
        """Before something that must not fail for want of space."""
        if self._home.free_bytes() < self._alarm_bytes:
            self.drop()

    def refusal(self) -> DiskFull:
        """There was no room after all: make some, and say what to do."""
        self.drop()
        return DiskFull(
            f"The disk that holds {self._home.path} is full, so this was not saved. Free some space and try again."
        )

    def held_by_another(self, path: Path) -> Conflict:
        return Conflict(
            f"Another program keeps the index {path} to itself, so this was not saved. Close what has it open (a "
            "database browser, a backup tool) and try again."
        )

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Turns a full disk inside into a sentence."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise self.refusal() from error

    def _make(self) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        try:
            with partial.open("wb") as file:
                # Really allocated: a file with holes would free nothing.
                os.posix_fallocate(file.fileno(), 0, self._home.ballast_bytes)
            partial.replace(self.path)
        except OSError:
            # A quota, or somebody was faster than us: without ballast everything works as long as there is room.
            partial.unlink(missing_ok=True)
