"""A python grader from outside: starts its locked process, asks it, and ends it when it takes too long."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from graders.score import GraderError

LOCKED = Path(__file__).with_name("locked.py")
START_S = 10.0
ANSWER_S = 10.0
MOST_ANSWER_BYTES = 8192


class Endless(GraderError):
    """It was ended for taking too long; the next answer gets a fresh process."""


class PythonGrader:
    """`answer_s` is the time for one answer. Raises GraderError where this system cannot lock it away."""

    def __init__(self, source: str, *, answer_s: float = ANSWER_S) -> None:
        self._source = source
        self._answer_s = answer_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PythonGrader":
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.end()

    def grade(self, sample: dict[str, Any], item: dict[str, Any]) -> float:
        if self._process is None:
            self._start()
        answer = self._ask({"sample": sample, "item": item}, self._answer_s)
        if "value" not in answer:
            raise GraderError(str(answer.get("error") or "The grader gave no value."))
        return float(answer["value"])

    def end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LOCKED), *readable()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        answer = self._ask({"source": self._source}, START_S)
        if not answer.get("locked") or "error" in answer:
            self.end()
            raise GraderError(str(answer.get("error") or "The grader's process did not start."))

    def _ask(self, request: dict[str, Any], patience_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(self._process.stdout.fileno(), patience_s)
            answer = json.loads(line)
        except (BrokenPipeError, ValueError):
            self.end()
            raise GraderError("The grader ended without an answer, perhaps for its memory limit of 512 MB.") from None
        if not isinstance(answer, dict):
            raise GraderError("The grader's process spoke nonsense.")
        return answer

    def _line(self, pipe: int, patience_s: float) -> bytes:
        """One line of at most 8 kB, within the time; else the process is ended."""
        until, line = time.monotonic() + patience_s, b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, until - time.monotonic())):
                    self.end()
                    raise Endless(f"The grader took longer than {patience_s:.0f} s for one answer and was ended.")
                piece = os.read(pipe, MOST_ANSWER_BYTES)
                line += piece
                if not piece or len(line) > MOST_ANSWER_BYTES:
                    raise ValueError("no line")
        return line


def readable() -> list[str]:
    """What Python itself is made of; nothing of the project, no home folder, no site-packages."""
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    wanted = (base / "lib" / version, Path("/usr/lib/x86_64-linux-gnu"), Path("/lib/x86_64-linux-gnu"), Path("/lib64"))
    return [str(path) for path in wanted if path.is_dir()]
