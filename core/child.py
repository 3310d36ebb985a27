"""A child process for work that does not belong into the web process: started, asked how far it is, ended."""

import contextlib
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from core.errors import StudioError
from core.spawn import PROJECT_ROOT, inherited
from storage.child_process import Json

STDERR_LINES = 20


class ChildFailed(StudioError):
    """The work could not be done, or its process ended early."""


@dataclass(frozen=True, slots=True)
class Progress:
    phase: str = "starting"
    done: int = 0
    total: int = 0


class Child:
    """`python -m module`, given `request`. It ends with this process, and when it is cancelled."""

    def __init__(self, module: str, request: Json, environment: Mapping[str, str] | None = None) -> None:
        self.progress = Progress()
        self.cancelled = False
        self._result: Json | None = None
        self._failure = ""
        self._errors: deque[str] = deque(maxlen=STDERR_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT_ROOT,
            env={**inherited(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended already; its stderr says why
            self._process.stdin.write(orjson.dumps(request) + b"\n")
            self._process.stdin.flush()
        self._threads = [
            threading.Thread(target=read, name=f"{module} {self._process.pid}", daemon=True)
            for read in (self._read_lines, self._read_errors)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, timeout_s: float) -> None:
        """Until it has said its last, or for `timeout_s`."""
        self._threads[0].join(timeout_s)

    def cancel(self) -> None:
        """End it now. What it was writing is partial and stays unseen."""
        self.cancelled = True
        self._process.kill()

    def result(self, timeout_s: float | None = None) -> Json:
        """What the child found. Raises ChildFailed with its sentence, TimeoutExpired while it still works."""
        self._process.wait(timeout_s)
        for thread in self._threads:
            thread.join()
        if self._result is not None:
            return self._result
        if self.cancelled:
            raise ChildFailed("It was cancelled.")
        if self._process.returncode == -signal.SIGXCPU:
            raise ChildFailed("It took more processor time than it is given, and was ended. Nothing was changed.")
        last = next((line for line in reversed(self._errors) if line.strip()), "it said nothing")
        raise ChildFailed(
            self._failure or f"The process ended early (code {self._process.returncode}): {last[:300]}. Try again."
        )

    def _read_lines(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._hear(line)
        self._process.wait()
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _hear(self, line: bytes) -> None:
        try:
            said = orjson.loads(line)
        except ValueError:
            return  # a library that prints
        if not isinstance(said, dict):
            return
        if "progress" in said:
            self.progress = Progress(**said["progress"])
        self._result = said.get("result", self._result)
        self._failure = str(said.get("failed", self._failure))

    def _read_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                self._errors.append(line.decode(errors="replace").rstrip())


class Examined:
    """Something that a child process looks into at most once: how far it is, whether it runs, its end."""

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def progress(self) -> Progress:
        return self._child.progress if self._child else Progress()

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    def cancel(self) -> None:
        if self._child:
            self._child.cancel()
