"""Work in a process of its own: one JSON request in, JSON objects a line out. The web process only waits for it.

The child's side is `serve`. It ends when its standard input closes, so that it never outlives who asked.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import orjson

from core import errors
from core.errors import BadInput, StudioError
from core.spawn import PROJECT_ROOT, inherited

Told = dict[str, Any]
Work = Callable[[Told, Callable[[Told], None]], Told]
#: What a child says last on standard error, where it ended without an answer.
LAST_WORDS = 400


def run(
    module: str,
    request: Told,
    *,
    on_progress: Callable[[Told], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Told:
    """What the child answered. Raises the StudioError that it met; what `on_progress` raises ends the child."""
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=PROJECT_ROOT,
        env={**inherited(), **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    words: list[bytes] = []
    listening = threading.Thread(target=lambda: words.append(child.stderr.read() if child.stderr else b""), daemon=True)
    listening.start()
    try:
        return _converse(child, request, on_progress)
    except _NoAnswer:
        child.wait()
        listening.join(5)
        last = b"".join(words).decode(errors="replace").strip()[-LAST_WORDS:]
        raise BadInput(f"The work was cut short ({_ending(child.returncode)}). {last} Try again.") from None
    finally:
        child.kill()
        child.communicate()


class _NoAnswer(Exception):
    """It ended without having said how."""


def _converse(child: subprocess.Popen[bytes], request: Told, on_progress: Callable[[Told], None] | None) -> Told:
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(orjson.dumps(request, option=orjson.OPT_NON_STR_KEYS) + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        raise _NoAnswer from None
    for line in child.stdout:
        told: Told = orjson.loads(line)
        if "result" in told:
            return dict(told["result"])
        if "error" in told:
            raise _error(str(told["error"]), str(told["message"]))
        if on_progress:
            on_progress(told)
    raise _NoAnswer


def _error(name: str, message: str) -> StudioError:
    kind = getattr(errors, name, BadInput)
    return kind(message) if isinstance(kind, type) and issubclass(kind, StudioError) else BadInput(message)


def _ending(returncode: int) -> str:
    return f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit {returncode}"


def serve(work: Work) -> NoReturn:
    """The child's whole life: read the request, do the work, say what came of it."""
    request = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _say({"result": work(request, _say)})
    except StudioError as error:
        _say({"error": type(error).__name__, "message": str(error)})
    except OSError as error:
        where = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        _say({"error": "BadInput", "message": f"{error.strerror or error}{where}. Try again."})
    sys.stdout.flush()
    os._exit(0)  # the thread still waits for standard input


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _say(told: Told) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()
