"""The warm spare: a trainer that has done its imports before there is a job. Never more than one, replaced after use.

It connects to a socket of ours and waits; when we are gone, for whatever reason, so is it. What it is handed it starts
exactly as a supervisor of its own would (training/spare.py), and from then on it belongs to nobody, like any other.
"""

import contextlib
import json
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.devices import CPU
from core.errors import StudioError, Unanswered
from core.memory import host_memory
from core.runner_socket import line_of, peer_pid, peer_uid, short_path
from storage.files import read_json
from storage.spare import SOCKET, STARTED

#: Whether one is kept: “on” (the default) or “off”.
SPARE_VARIABLE = "TUNESMITH_SPARE"
#: It takes 0.5 GB; a machine with less than this has better uses for it.
LEAST_FREE_BYTES = 4 * 1024**3
#: With less than this free, one that waits is sent away.
SHORT_BYTES = 2 * 1024**3
#: After one was used or lost: its imports would take the processor from the job that just begins.
RENEWAL_S = 60.0
ANSWER_S = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Waiting:
    """A spare at the other end of the line. `handle` is its pidfd: the number may be given away once it is gone."""

    line: socket.socket
    pid: int
    handle: int

    @property
    def is_gone(self) -> bool:
        """It says nothing before it is asked, so whatever can be read is the end."""
        readable, _, _ = select.select([self.line], [], [], 0)
        return bool(readable)

    def end(self) -> None:
        """Its trainer ends with it: it has not been told to begin, or the attempt's folder says so."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            select.select([self.handle], [], [], ANSWER_S)

    def hang_up(self) -> None:
        self.line.close()
        os.close(self.handle)


class Spare:
    """`start` starts one for our folder and returns its pid, or 0 where none may be started now. All but `pid` is for
    the scheduler's thread."""

    def __init__(
        self,
        folder: Path,
        start: Callable[[Path], int],
        *,
        least_free_bytes: int = LEAST_FREE_BYTES,
        renewal_s: float = RENEWAL_S,
    ) -> None:
        self._folder = folder
        self._start = start
        self._least_free_bytes = least_free_bytes
        self._renewal_s = renewal_s
        self._door: socket.socket | None = None
        self._waiting: Waiting | None = None
        #: Of the one that is still importing.
        self._coming: int | None = None
        self._next_start = 0.0

    @property
    def pid(self) -> int:
        """Of the one that waits with its imports done, as the last look found; 0 where none does. Any thread."""
        waiting = self._waiting
        return waiting.pid if waiting else 0

    def tend(self) -> None:
        """Once a second: notice who has come or gone, and start one where there is none and memory enough."""
        self._look()
        if self._waiting:
            if host_memory().free_bytes < min(SHORT_BYTES, self._least_free_bytes):
                log.info("Memory is short: the spare trainer is sent away.")
                self._dismiss()
            return
        if self._is_coming() or time.monotonic() < self._next_start:
            return
        if host_memory().free_bytes < self._least_free_bytes:
            return
        self._next_start = time.monotonic() + self._renewal_s
        try:
            self._open()
            if pid := self._start(self._folder):
                self._coming = os.pidfd_open(pid)
        except (OSError, StudioError) as error:
            log.warning("No spare trainer could be started: %s", error)

    def hand_over(self, attempt: Path, environment: Mapping[str, str]) -> bool:
        """False where the job has to be started in the usual way: nothing has been done then.

        Raises Unanswered where the spare has begun with it and says no more.
        """
        self._look()
        if self._waiting is None or not fits(attempt):
            return False
        waiting, self._waiting = self._waiting, None
        self._next_start = time.monotonic() + self._renewal_s
        try:
            if _takes(waiting.line, {"attempt": str(attempt), "environment": dict(environment)}):
                return True
            if not (attempt / STARTED).exists():
                waiting.end()  # so that what we see now is what there is
            if (attempt / STARTED).exists():
                raise Unanswered(f"The spare trainer (process {waiting.pid}) was lost while it took over.")
            log.warning("The spare trainer (process %s) took nothing over; the job starts without.", waiting.pid)
            return False
        finally:
            waiting.hang_up()

    def close(self) -> None:
        """The one that waits ends as soon as we have hung up."""
        self._dismiss()
        self._forget_coming()
        if self._door:
            self._door.close()
            self._door = None
            with contextlib.suppress(OSError):
                (self._folder / SOCKET).unlink()

    def _is_coming(self) -> bool:
        """Until it has connected or ended. On a busy machine imports take minutes."""
        if self._coming is not None and select.select([self._coming], [], [], 0)[0]:
            self._forget_coming()
        return self._coming is not None

    def _forget_coming(self) -> None:
        if self._coming is not None:
            os.close(self._coming)
            self._coming = None

    def _open(self) -> None:
        if self._door:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)
        (self._folder / SOCKET).unlink(missing_ok=True)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._folder, SOCKET) as path:
            door.bind(path)
        door.listen(1)
        door.setblocking(False)
        self._door = door

    def _look(self) -> None:
        if self._waiting and self._waiting.is_gone:
            log.warning("The spare trainer (process %s) is gone.", self._waiting.pid)
            self._dismiss()
        while self._door:
            try:
                line, _ = self._door.accept()
            except OSError:
                return  # nobody knocks
            if self._waiting or peer_uid(line) != os.getuid():
                line.close()
                continue
            self._forget_coming()
            pid = peer_pid(line)
            try:
                self._waiting = Waiting(line, pid, os.pidfd_open(pid))
            except ProcessLookupError:
                line.close()

    def _dismiss(self) -> None:
        if self._waiting:
            self._waiting.hang_up()
            self._waiting = None
            self._next_start = max(self._next_start, time.monotonic() + self._renewal_s)


def fits(attempt: Path) -> bool:
    """A run on the processor in one process. What a GPU needs has to be in the environment before the imports."""
    compute = (read_json(attempt.parents[1] / "spec.json") or {}).get("compute", {})
    return bool(compute.get("device") == CPU and compute.get("devices", 1) == 1)


def _takes(line: socket.socket, order: Mapping[str, object]) -> bool:
    try:
        line.settimeout(ANSWER_S)
        line.sendall(line_of(order))
        with line.makefile("rb") as incoming:
            return "pid" in json.loads(incoming.readline() or b"{}")
    except (OSError, ValueError):
        return False
