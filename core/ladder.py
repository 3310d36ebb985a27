"""The cancel ladder: ask, interrupt, terminate, kill. Each rung waits; none blocks the thread that climbs."""

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core import launcher
from storage.run_folder import Attempt, Request


@dataclass(frozen=True, slots=True)
class Rung:
    """What is done, what the user reads meanwhile, and how long to wait before the next rung."""

    act: Callable[[Attempt], None]
    stage: str
    patience_s: float


RUNGS = (
    Rung(lambda attempt: attempt.request(Request.CANCEL), "Asked the trainer to stop after this step", 30),
    Rung(lambda attempt: launcher.send(attempt, signal.SIGINT), "Interrupting the trainer", 7.5),
    Rung(lambda attempt: launcher.send(attempt, signal.SIGTERM), "Terminating the trainer", 10),
    Rung(
        lambda attempt: launcher.kill_tree(attempt, spare_supervisor=True),
        "Killing the trainer and its children",
        5,
    ),
    Rung(lambda attempt: launcher.kill_tree(attempt, spare_supervisor=False), "Killing what is left", 60),
)
#: The rung with which nothing more is asked.
KILL = 3


@dataclass(slots=True)
class Ladder:
    """One attempt's way down. A restarted server begins again at the first rung, which is harmless."""

    attempt: Attempt
    patience: float = 1.0
    _next: int = 0
    _due: float = field(default=0.0)

    @classmethod
    def at_the_kill(cls, attempt: Attempt) -> "Ladder":
        """For a trainer that can save nothing any more: its device is gone."""
        return cls(attempt, _next=KILL)

    def climb(self) -> str:
        """Take the next rung if its time has come; returns the sentence to show."""
        now = time.monotonic()
        if self._next < len(RUNGS) and now >= self._due:
            rung = RUNGS[self._next]
            # It may end by itself between our look and our signal.
            with contextlib.suppress(ProcessLookupError):
                rung.act(self.attempt)
            self._next += 1
            self._due = now + rung.patience_s * self.patience
        elif self._next == len(RUNGS) and now >= self._due:
            pids = ", ".join(map(str, launcher.survivors(self.attempt)))
            return f"The kernel still holds process {pids}; a driver may hang. A reboot will free it."
        return RUNGS[self._next - 1].stage
