"""`python -m core.runner <data folder>`: starts trainers in its own control group, for a server in another one.

Restarting the web service then leaves them alone. It knows neither the index nor torch, and remembers nothing: killed
and started again it serves on, and trainers notice neither. Standard library only. `tunesmith runner` becomes this.
"""

import contextlib
import fcntl
import json
import logging
import os
import signal
import socketserver
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput, Taken
from core.runner_socket import FOLDER, MOST_BYTES, PROTOCOL, SOCKET, line_of, peer_uid, short_path
from core.spawn import SPARE_FOLDER, may_be_told, spawn, spawn_spare
from storage.files import read_json
from storage.process import FOLDER_VARIABLE, LEAST_TOKEN, TOKEN_VARIABLE

#: Who has been greeted and says nothing is hung up on.
PATIENCE_S = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """A supervisor to start: its attempt's folder, and all that it may know. The token in it is a secret."""

    attempt: Path
    environment: dict[str, str]

    @classmethod
    def read(cls, line: bytes, runs: Path) -> "Order":
        """Raises BadInput unless it is about a claimed attempt below `runs`, by somebody who knows its token."""
        asked = _object_in(line)
        told = _environment_in(asked)
        attempt = _attempt_below(runs, asked.get("attempt"))
        token = told.get(TOKEN_VARIABLE, "")
        claim = read_json(attempt / "claim.json") or {}
        if len(token) < LEAST_TOKEN or claim.get("token") != token:
            raise BadInput(f"{attempt} is not claimed with this token.")
        ours = {TOKEN_VARIABLE: token, FOLDER_VARIABLE: str(attempt.parents[1])}
        return cls(attempt, {name: value for name, value in told.items() if may_be_told(name)} | ours)


class Runner(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, home: Path, address: str) -> None:
        super().__init__(address, Visit)
        self.runs = home / "runs"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Folder and socket are closed to others already; the kernel is asked all the same."""
        return peer_uid(request) == os.getuid()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("A visitor was lost: %s", sys.exc_info()[1])

    def answer(self, line: bytes) -> dict[str, Any]:
        try:
            if _object_in(line).get("spare") is True:
                return {"pid": spawn_spare(self.runs.parent / SPARE_FOLDER, _environment_in(_object_in(line))).pid}
            order = Order.read(line, self.runs)
            pid = spawn(order.attempt, order.environment).pid
        except FileExistsError:
            return {"error": "This attempt was started before."}
        except (BadInput, OSError, ValueError) as error:
            log.warning("Nothing was started: %s", error)
            return {"error": str(error)}
        log.info("Started attempt %s of %s as process %s.", order.attempt.name, order.attempt.parents[1].name, pid)
        return {"pid": pid}


class Visit(socketserver.StreamRequestHandler):
    timeout = PATIENCE_S
    server: Runner

    def handle(self) -> None:
        # Most only look whether we are here, and hang up.
        with contextlib.suppress(TimeoutError, ConnectionError):
            self.wfile.write(line_of({"runner": os.getpid(), "protocol": PROTOCOL}))
            if line := self.rfile.readline(MOST_BYTES + 1):
                self.wfile.write(line_of(self.server.answer(line)))


def main(home: Path) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Nothing is waited for: trainers are sessions of their own, and what was half asked is asked again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with _listening(home) as runner:
            log.info("The runner (process %s) starts the trainers of %s.", os.getpid(), home)
            runner.serve_forever()
    except Taken as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


@contextlib.contextmanager
def _listening(home: Path) -> Iterator[Runner]:
    """The socket, ours alone: a second runner is refused, and what a killed one has left is replaced."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    os.umask(0o077)
    with (folder / "runner.lock").open("wb") as lock, short_path(folder) as address:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(f"Another runner serves {home} already; one is enough.") from None
        (folder / SOCKET).unlink(missing_ok=True)
        with Runner(home, address) as runner:
            (folder / SOCKET).chmod(0o600)
            try:
                yield runner
            finally:
                (folder / SOCKET).unlink(missing_ok=True)


def _environment_in(asked: dict[str, Any]) -> dict[str, str]:
    told = asked.get("environment")
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise BadInput(f"The runner takes one JSON object of at most {MOST_BYTES} bytes: an attempt, its environment.")
    return told


def _object_in(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line) if len(line) <= MOST_BYTES else {}
    except (ValueError, RecursionError):
        value = {}
    return value if isinstance(value, dict) else {}


def _attempt_below(runs: Path, asked: object) -> Path:
    """The path as it was asked for, once it is certain that it is `runs/<job>/attempts/<n>` and nothing else."""
    path = Path(asked if isinstance(asked, str) else "")
    try:
        real = path.resolve(strict=True)
        inside = real.parents[2] == runs.resolve() and real.parent.name == "attempts" and real.name.isdecimal()
    except (OSError, RuntimeError, ValueError, IndexError):
        inside = False
    if not inside or not path.is_absolute() or ".." in path.parts:
        raise BadInput("The runner starts attempts of its own data folder only.")
    return path


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
