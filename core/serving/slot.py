"""One model's place in the pool: what is loaded for it, what has become of that, and who uses it. No threads here."""

import math
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from core.errors import Unavailable
from core.serving.targets import Base
from core.serving.worker import Worker

#: Waits between a crash and the next start: 1, 2, 4 … seconds.
LONGEST_WAIT_S = 60.0
#: After so many crashes in a row nobody tries again until somebody asks.
MOST_CRASHES = 5
#: Who has served for so long has got over its crashes.
STEADY_S = 60.0


class Phase(StrEnum):
    #: Nothing is in memory.
    EMPTY = "empty"
    #: A worker starts.
    LOADING = "loading"
    #: A worker answers.
    READY = "ready"
    #: The worker has crashed; the next one starts later.
    RESTING = "resting"


@dataclass(slots=True)
class Held:
    """An adapter on the worker. `loaded` is done when it answers, or has the reason why it cannot."""

    folder: str
    loaded: "Future[None] | None" = None
    users: int = 0
    used_at: float = 0.0


@dataclass(slots=True)
class Slot:
    """Guarded by the pool's lock. Moments are `time.monotonic`'s."""

    base: Base
    phase: Phase = Phase.EMPTY
    #: Why it is not ready, as a sentence.
    reason: str = ""
    worker: Worker | None = None
    socket: "Future[Path]" = field(default_factory=Future)
    adapters: dict[str, Held] = field(default_factory=dict)
    users: int = 0
    used_at: float = 0.0
    ready_at: float = 0.0
    retry_at: float = math.inf
    crashes: int = 0
    memory_bytes: int = 0
    #: The GPU that is leased for it, and the lease's token.
    device_uuid: str = ""
    token: str = ""

    @property
    def is_restarting(self) -> bool:
        return self.phase is Phase.RESTING or (self.phase is Phase.LOADING and self.crashes > 0)

    @property
    def has_given_up(self) -> bool:
        return self.phase is Phase.RESTING and self.crashes >= MOST_CRASHES

    def begin(self) -> None:
        """What asks from now on waits for the worker that is being started."""
        self.phase, self.retry_at = Phase.LOADING, math.inf
        self.reason = self.reason if self.crashes else ""
        if self.socket.done():
            self.socket = Future()

    def become_ready(self, socket: Path, now: float) -> None:
        self.phase, self.ready_at, self.reason = Phase.READY, now, ""
        self.socket.set_result(socket)

    def crash(self, reason: str, now: float) -> None:
        """Everything that waited hears why; the next start is put off, longer each time."""
        if self.phase is Phase.READY and now - self.ready_at >= STEADY_S:
            self.crashes = 0
        self.crashes += 1
        wait_s = min(2.0 ** (self.crashes - 1), LONGEST_WAIT_S)
        self._leave(Phase.RESTING, reason)
        self.retry_at = now + (LONGEST_WAIT_S if self.crashes >= MOST_CRASHES else wait_s)
        self._tell(Unavailable(reason, wait_s))

    def empty(self, reason: str = "") -> None:
        self.crashes, self.retry_at = 0, math.inf
        self._leave(Phase.EMPTY, reason)
        self._tell(Unavailable(reason or "The model has just been unloaded. Ask again."))

    def refusal(self, now: float) -> Unavailable | None:
        """Why a request cannot even wait now."""
        if not self.is_restarting or (self.phase is Phase.RESTING and now >= self.retry_at):
            return None
        wait_s = self.retry_at - now if self.phase is Phase.RESTING else 1.0
        return Unavailable(f"{self.reason or 'The model is being loaded again after a crash.'} Try again soon.", wait_s)

    def _leave(self, phase: Phase, reason: str) -> None:
        self.phase, self.reason, self.worker, self.memory_bytes = phase, reason, None, 0
        for held in self.adapters.values():
            if held.loaded and not held.loaded.done():
                held.loaded.set_exception(Unavailable(reason))
            held.loaded = None

    def _tell(self, error: Unavailable) -> None:
        if not self.socket.done():
            self.socket.set_exception(error)
