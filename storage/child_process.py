"""What a child process and its parent say to each other: a request in on stdin, JSON lines out on stdout.

The parent holds stdin open; when it is gone, for whatever reason, so is the child. (The kernel's own death signal
would come when the parent's thread ends, and web servers start children from threads that come and go.)
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson

#: Not more often than a page redraws.
PROGRESS_S = 0.2
NICENESS = 10

Json = dict[str, Any]


class Teller:
    """The child's voice. Calls are cheap: most say nothing."""

    def __init__(self) -> None:
        self._said = 0.0

    def progress(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said >= PROGRESS_S or done >= total:
            self._said = now
            say({"progress": {"phase": phase, "done": done, "total": total}})


def answer(work: Callable[[Json, Teller], Json], refusals: tuple[type[Exception], ...] = ()) -> int:
    """Read the request, do `work`, write its result; the exit code.

    `refusals` are errors whose message the user is to see; anything else goes to stderr and ends the process.
    """
    os.nice(NICENESS)
    request = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        say({"result": work(request, Teller())})
    except refusals as error:
        say({"failed": str(error)})
        return 1
    return 0


def say(line: Json) -> None:
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    # Raw: a buffered reader's lock, held by this thread at exit, is a fatal error of the interpreter.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)
