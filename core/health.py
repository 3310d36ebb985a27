"""What is odd about an attempt that lives: silent, stopped, or not getting any further. Told, never acted upon."""

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from core.history import History
from storage.process import is_stopped
from storage.run_folder import Attempt
from storage.status import Status

SILENT_S = 60.0
STALL_STEPS = 10
STALL_LEAST_S = 60.0
#: Step times remembered for the median.
STEPS_REMEMBERED = 50


@dataclass(slots=True)
class Pulse:
    """One attempt, watched by our own monotonic clock: the trainer's may jump, and file times come from elsewhere."""

    clock: Callable[[], float] = time.monotonic
    _beat: int = -1
    _beat_at: float = field(default=0.0)
    _step: int = -1
    _step_at: float = field(default=0.0)
    _step_times: deque[float] = field(default_factory=lambda: deque(maxlen=STEPS_REMEMBERED))

    def feel(self, attempt: Attempt, history: History, status: Status) -> str:
        """A sentence for the page; empty where all is well."""
        self._watch_heartbeat(attempt)
        self._watch_steps(history)
        if any(is_stopped(identity.pid) for identity in attempt.processes()):
            return "Stopped (SIGSTOP): the trainer's process is there and was told to stand still."
        silent_s = self.clock() - self._beat_at
        if silent_s >= SILENT_S:
            return f"Unresponsive: no heartbeat for {_minutes(silent_s)}, but its process is still there."
        return self._stall() if status is Status.RUNNING and _trains(history) else ""

    def _watch_heartbeat(self, attempt: Attempt) -> None:
        try:
            beat = attempt.heartbeat.stat().st_mtime_ns
        except FileNotFoundError:
            beat = 0
        if beat != self._beat:
            self._beat, self._beat_at = beat, self.clock()

    def _watch_steps(self, history: History) -> None:
        step = history.last.step if history.last else 0
        now = self.clock()
        if not _trains(history) or self._step < 0 or step < self._step:
            self._step, self._step_at = step, now
        elif step > self._step:
            self._step_times.append((now - self._step_at) / (step - self._step))
            self._step, self._step_at = step, now

    def _stall(self) -> str:
        if not self._step_times:
            return ""
        usual_s = statistics.median(self._step_times)
        waited_s = self.clock() - self._step_at
        if waited_s < max(STALL_LEAST_S, STALL_STEPS * usual_s):
            return ""
        usually = f"{usual_s:.0f} s" if usual_s >= 1 else "less than a second"
        return f"No step for {_minutes(waited_s)}; one usually takes {usually}."


def _trains(history: History) -> bool:
    return history.phase is not None and history.phase.name == "training"


def _minutes(seconds: float) -> str:
    """Whole minutes: the row is written when the sentence changes, and that need not be every second."""
    minutes = int(seconds // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
