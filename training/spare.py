"""`python -m training.spare <folder>`: a supervisor that waits for its attempt, its trainer's imports done.

It ends with the server for which it waits: the connection is the only thing that holds it. Handed an attempt, it
becomes that attempt's supervisor, and the server may come and go. Standard library only, as training/supervisor.py.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE
from storage.spare import RESERVED, SOCKET, STARTED, assume
from training.environment import trainer_environment
from training.supervisor import NICENESS, oom_kills, record, see_out, survive_signals

READY, GO = b"ready\n", b"go\n"


def wait_for_work(folder: Path) -> int:
    os.nice(NICENESS)
    trainer = start_trainer()
    try:
        with contextlib.closing(connect(folder)) as server:
            if first_of(server, trainer) is not server:
                return 1
            line = server.makefile("rb").readline()
            if not line.endswith(b"\n"):
                return 0  # the server is gone, or wants us no more
            attempt, token = take_over(json.loads(line), trainer)
            oom_kills_before = oom_kills()
            with contextlib.suppress(OSError):  # whether the server still lives makes no difference any more
                server.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The spare has taken nothing over: {error}\n")
        trainer.kill()
        return 1
    finally:
        with contextlib.suppress(OSError):
            trainer.stdin.close()  # it waits for our word, or has it
    return see_out(attempt, token, [trainer], oom_kills_before)


def start_trainer() -> subprocess.Popen[bytes]:
    """Its imports come first; it says when they are done."""
    compute = {"device": "cpu", "threads": len(os.sched_getaffinity(0))}
    trainer = subprocess.Popen(
        [sys.executable, "-m", "training.spare_trainer"],
        env={**trainer_environment(compute, []), **RESERVED},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if trainer.stdout.readline() != READY:
        raise SystemExit("The spare's imports failed.")
    return trainer


def connect(folder: Path) -> socket.socket:
    """Only now: whoever is connected is ready."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)  # however deep it lies, an address has 108 bytes
    try:
        server.connect(f"/proc/self/fd/{handle}/{SOCKET}")
    finally:
        os.close(handle)
    return server


def first_of(server: socket.socket, trainer: subprocess.Popen[bytes]) -> Any:
    """Who speaks, or ends, first. The trainer has nothing to say."""
    readable, _, _ = select.select([server, trainer.stdout], [], [])
    return trainer if trainer.stdout in readable else server


def take_over(order: dict[str, Any], trainer: subprocess.Popen[bytes]) -> tuple[Path, str]:
    """From here on the attempt is started. Its trainer does nothing before it is written down who it is."""
    attempt, told = Path(order["attempt"]), order["environment"]
    identity = {name: told[name] for name in (TOKEN_VARIABLE, FOLDER_VARIABLE)}
    assume(identity)
    with (attempt / STARTED).open("xb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    survive_signals()
    os.environ.update(told)
    trainer.stdin.write(json.dumps(order).encode() + b"\n")
    trainer.stdin.flush()
    if trainer.stdout.readline() != READY:
        raise OSError("the trainer has ended")
    trainer.stdout.close()
    record(attempt, identity[TOKEN_VARIABLE], [trainer])
    trainer.stdin.write(GO)
    trainer.stdin.flush()
    return attempt, identity[TOKEN_VARIABLE]


if __name__ == "__main__":
    sys.exit(wait_for_work(Path(sys.argv[1])))
