"""One serving worker: its process, whether it is ready, and why not."""

import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import psutil

from core.spawn import PROJECT_ROOT, inherited
from storage.files import read_json, write_json
from storage.serving import FAILED, PROGRESS, READY, SOCKET, SPEC, WorkerSpec

STDERR = "stderr.log"
STOP_S = 5.0
LOOK_S = 0.05


class State(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"


class Worker:
    """A child of this process, and gone with it: its standard input is a pipe of ours that never says anything.

    `on_change` is called in a thread of the worker's own, after `state` is another.
    """

    def __init__(
        self,
        folder: Path,
        spec: WorkerSpec,
        on_change: Callable[["Worker"], None],
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self.spec = spec
        self.state = State.STARTING
        self.reason = ""
        #: Where the one that was asked for could not hold the model, the worker has taken another.
        self.engine: str = spec.engine
        #: Why it has; empty where it has not.
        self.instead = ""
        self.started_at = time.monotonic()
        self._folder, self._on_change = folder, on_change
        self._is_stopping = False
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_json(folder / SPEC, spec.model_dump(mode="json"))
        with (folder / "stdout.log").open("wb") as out, (folder / STDERR).open("wb") as err:
            self._process = subprocess.Popen(
                [*command, str(folder)],
                cwd=PROJECT_ROOT,
                env={**inherited(), "HF_HUB_OFFLINE": "1", **environment},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        assert self._process.stdin
        self._stdin = self._process.stdin
        threading.Thread(target=self._watch, name=f"worker {self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def socket(self) -> Path:
        return self._folder / SOCKET

    @property
    def doing(self) -> str:
        """What it does while it loads, as a sentence; empty where it has said nothing yet."""
        told = read_json(self._folder / PROGRESS) or {}
        return str(told.get("detail") or "")

    def memory_bytes(self) -> int:
        """What it takes now; 0 once it is gone. vLLM computes in processes of its own."""
        try:
            process = psutil.Process(self.pid)
            family = [process, *(process.children(recursive=True) if self.engine == "vllm" else ())]
            return sum(int(one.memory_info().rss) for one in family)
        except psutil.Error:
            return 0

    @property
    def is_over(self) -> bool:
        return self.state in (State.STOPPED, State.FAILED)

    def stop(self) -> None:
        """Returns when it is gone. Answers that are being written break off."""
        self._is_stopping = True
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _watch(self) -> None:
        """A file says that it is ready; only its end says that it is not any more."""
        while self.state is State.STARTING and self._process.poll() is None:
            if (self._folder / READY).exists():
                told = read_json(self._folder / READY) or {}
                self.engine, self.instead = str(told.get("engine") or self.engine), str(told.get("instead") or "")
                self._become(State.READY)
            else:
                time.sleep(LOOK_S)
        code = self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        if self._is_stopping:
            return self._become(State.STOPPED)
        told = read_json(self._folder / FAILED) or {}
        self.reason = str(told.get("message") or f"The worker ended {how(code)}{self._last_words()}.")
        self._become(State.FAILED)

    def _last_words(self) -> str:
        """The last line that it wrote about its trouble, in brackets."""
        try:
            lines = (self._folder / STDERR).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" ({lines[-1][:300].rstrip('.')})" if lines else ""

    def _become(self, state: State) -> None:
        self.state = state
        self._on_change(self)


def how(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with code {code}"
