"""How the server speaks with the runner: where its socket is, who may speak, and the words. Standard library only.

The runner greets with one line of JSON, the server asks with one, the runner answers with one, and both hang up.
The greeting is read before a job is claimed, so that a runner which does not answer costs no attempt.
"""

import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import NobodyRuns, NoRunner, NotStarted, Unanswered

#: Inside the data folder, readable by its owner only.
FOLDER = "runner"
SOCKET = "runner.sock"
#: Raised when a request changes its meaning: after an update a runner of before may still serve.
PROTOCOL = 1
MOST_BYTES = 65_536
GREETING_S = 1.0
ANSWER_S = 10.0
_CREDENTIALS = struct.Struct("3i")


class Call:
    """A runner that has greeted. `start` may be asked once."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def start(self, attempt: Path, environment: Mapping[str, str]) -> None:
        """Raises NotStarted with the runner's reason, or Unanswered where nobody knows whether it was started."""
        self._ask({"attempt": str(attempt), "environment": dict(environment)})

    def start_spare(self, environment: Mapping[str, str]) -> int:
        """A trainer that waits in the data folder for its attempt; its pid. Raises as `start`."""
        return self._ask({"spare": True, "environment": dict(environment)})

    def _ask(self, request: Mapping[str, Any]) -> int:
        try:
            self._connection.settimeout(ANSWER_S)
            self._connection.sendall(line_of(request))
            answer = _heard(self._connection)
        except OSError as error:
            raise Unanswered(f"The runner (process {self.pid}) went away while it was asked ({error}).") from error
        if "pid" not in answer:
            raise NotStarted(str(answer.get("error") or f"The runner (process {self.pid}) gave no answer."))
        return int(answer["pid"])


@contextlib.contextmanager
def call(home: Path) -> Iterator[Call]:
    """Raises NobodyRuns where no runner serves this data folder, NoRunner where one is there and is of no use."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(GREETING_S)
        try:
            with short_path(home / FOLDER) as path:
                connection.connect(path)
            is_ours = peer_uid(connection) == os.getuid()
            greeting = _heard(connection) if is_ours else {}
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise NobodyRuns(
                f"Waits for the runner, which starts trainers: nobody listens in {home / FOLDER}. "
                "Start it with systemctl start tunesmith-runner, or with tunesmith runner."
            ) from error
        except OSError as error:
            raise NoRunner(f"Waits for the runner, which does not answer ({error}). Look at its log.") from error
        if not is_ours:
            raise NoRunner(f"Waits for the runner: the one in {home / FOLDER} belongs to another user. Start our own.")
        if greeting.get("protocol") != PROTOCOL:
            raise NoRunner(
                "Waits for a runner of this version of Tunesmith. "
                "Restart it with systemctl restart tunesmith-runner; running trainers go on."
            )
        yield Call(connection, int(greeting["runner"]))


@contextlib.contextmanager
def short_path(folder: Path, name: str = SOCKET) -> Iterator[str]:
    """A way to the socket that fits into the 108 bytes of an address, however deep the data folder lies."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)


def peer_uid(connection: socket.socket) -> int:
    """Who is at the other end, as the kernel says."""
    return _peer(connection)[1]


def peer_pid(connection: socket.socket) -> int:
    return _peer(connection)[0]


def _peer(connection: socket.socket) -> tuple[int, int]:
    pid, uid, _gid = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return int(pid), int(uid)


def line_of(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _heard(connection: socket.socket) -> dict[str, Any]:
    """The next line. ConnectionError where the other end hung up instead."""
    with connection.makefile("rb") as incoming:
        line = incoming.readline(MOST_BYTES)
    if not line.endswith(b"\n"):
        raise ConnectionResetError("it hung up")
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ConnectionAbortedError("it does not speak JSON") from error
    return value if isinstance(value, dict) else {}
