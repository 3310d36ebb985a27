"""The import in a process of its own, so that the web process parses no big file.

`python -m core.datasets.importing` is that process: one JSON request on its standard input, one JSON object a line on
its standard output. It ends when its standard input closes, so that it never outlives who asked.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.checks.report import Report
from core.datasets.intake import MINIMUM_EXAMPLES, OnProgress, Progress, import_file
from core.errors import Cancelled, StudioError
from core.formats.options import ReadOptions
from core.formats.problems import FileProblem
from core.spawn import PROJECT_ROOT, inherited

__all__ = ["MINIMUM_EXAMPLES", "Import", "OnProgress", "Progress", "import_file", "is_small"]

#: A parser that wants more than this has met something hostile. Far above what any sound file takes.
_ADDRESS_SPACE_BYTES = 8 << 30
_TELL_EVERY_S = 0.1
#: JSON this small is read in a moment; a process would take far longer to start.
_SMALL_BYTES = 256 * 1024


def is_small(source: Path) -> bool:
    """Whether the file may be read right here: a little JSON as it stands, nothing to unpack and nothing to guess."""
    with source.open("rb") as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start in (b"{", b"[") and source.stat().st_size <= _SMALL_BYTES


class Import:
    """An import under way. `into` must be an empty folder; when the import fails or is cancelled it is removed."""

    def __init__(
        self,
        source: Path,
        into: Path,
        options: ReadOptions | None = None,
        on_progress: OnProgress = lambda _: None,
    ) -> None:
        self.progress = Progress(total=source.stat().st_size)
        self._name = source.name
        self._into = into
        self._on_progress = on_progress
        self._answer: dict[str, Any] = {}
        self._cancelled = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by wait
        self._child = subprocess.Popen(
            [sys.executable, "-m", "core.datasets.importing"],
            # From elsewhere the child could import another `core/`.
            cwd=PROJECT_ROOT,
            env=inherited() | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        options = options or ReadOptions()
        request = {"source": str(source.absolute()), "into": str(into.absolute()), "options": options.model_dump()}
        with suppress(BrokenPipeError):  # it ended already; wait says why
            self._pipe("stdin").write(json.dumps(request).encode() + b"\n")
            self._pipe("stdin").flush()
        self._listener = threading.Thread(target=self._listen, name=f"import {source.name}", daemon=True)
        self._listener.start()

    def cancel(self) -> None:
        """Ends it at once; `wait` then raises Cancelled."""
        self._cancelled = True
        with suppress(ProcessLookupError):
            self._child.kill()

    def wait(self) -> Report:
        """The report. Raises FileProblem, Cancelled, OSError (a full disk), or StudioError when the process died."""
        try:
            self._listener.join()
            code = self._child.wait()
            if self._answer.get("done"):
                return Report.read(self._into)
            shutil.rmtree(self._into, ignore_errors=True)
            raise self._error(code)
        finally:
            for pipe in ("stdin", "stdout"):
                with suppress(OSError):
                    self._pipe(pipe).close()
            self._errors.close()

    def _error(self, code: int) -> Exception:
        if self._cancelled:
            return Cancelled("The import of {name} was cancelled; nothing of it was kept.", name=self._name)
        if problem := self._answer.get("problem"):
            return FileProblem(problem["code"], problem["message"], problem["line"])
        if number := self._answer.get("errno"):
            return OSError(number, os.strerror(number), str(self._into))
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2] or f"exit code {code}"
        return StudioError(
            "Reading {name} ended unexpectedly ({last}). Try again; if it stays, report it.",
            name=self._name,
            last=last[:300],
        )

    def _listen(self) -> None:
        # Closed whatever happens: a child that nobody hears must not wait for ever to be heard.
        with self._pipe("stdout") as lines:
            for line in lines:
                told = json.loads(line) if line.endswith(b"\n") else {}
                if "progress" in told:
                    self.progress = Progress(**told["progress"])
                    self._on_progress(self.progress)
                elif told:
                    self._answer = told

    def _pipe(self, name: str) -> Any:
        return getattr(self._child, name)


def _main() -> None:
    """The child: never more memory than the limit, never longer than its parent."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    os.nice(5)
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_EVERY_S:
            told = time.monotonic()
            _say({"progress": asdict(progress)})

    try:
        options = ReadOptions.model_validate(request["options"])
        report = import_file(Path(request["source"]), Path(request["into"]), options, tell)
        _say({"progress": asdict(Progress(1, 1, report.rows, "Done"))})
        _say({"done": True})
    except FileProblem as problem:
        _say({"problem": {"code": problem.code, "message": str(problem), "line": problem.line}})
    except OSError as error:
        if error.errno is None:
            raise
        _say({"errno": error.errno})
    except MemoryError:
        message = f"{Path(request['source']).name} needs more memory than an import may take. Split it into parts."
        _say({"problem": {"code": "too_much_memory", "message": message, "line": 0}})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    _main()
