"""What a deployment has done since it was created: totals, and how fast it was lately."""

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: "Lately": at most so many requests of so many seconds.
WINDOW_REQUESTS = 500
WINDOW_S = 15 * 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """One request. `first_s` is the time to the first token, where it was streamed."""

    took_s: float
    first_s: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failed: bool = False
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Times in seconds; None where nothing was measured lately."""

    requests: int = 0
    errors: int = 0
    running: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None
    first_p50_s: float | None = None
    first_p95_s: float | None = None
    #: Of one answer, in the middle of all: what somebody who reads along sees.
    tokens_per_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Totals":
        """What is no count is 0: a damaged file costs figures, no answers."""
        known = {name: value.get(name) for name in cls.__slots__}
        return cls(**{name: count for name, count in known.items() if type(count) is int and count >= 0})

    def __add__(self, answered: Answered) -> "Totals":
        return Totals(
            requests=self.requests + 1,
            errors=self.errors + answered.failed,
            prompt_tokens=self.prompt_tokens + answered.prompt_tokens,
            completion_tokens=self.completion_tokens + answered.completion_tokens,
        )


class Counter:
    def __init__(self, totals: Totals = Totals()) -> None:
        self._lock = threading.Lock()
        self._recent: deque[Answered] = deque(maxlen=WINDOW_REQUESTS)
        self.totals = totals
        self._running = 0

    def begin(self) -> None:
        with self._lock:
            self._running += 1

    def end(self, answered: Answered) -> None:
        with self._lock:
            self._running -= 1
            self.totals += answered
            if not answered.failed:
                self._recent.append(answered)

    def figures(self) -> Figures:
        since = time.monotonic() - WINDOW_S
        with self._lock:
            lately = [answered for answered in self._recent if answered.at >= since]
            totals, running = self.totals, self._running
        took = sorted(answered.took_s for answered in lately)
        first = sorted(answered.first_s for answered in lately if answered.first_s is not None)
        speeds = sorted(speed for answered in lately if (speed := speed_of(answered)) is not None)
        return Figures(
            **asdict(totals),
            running=running,
            latency_p50_s=quantile(took, 0.5),
            latency_p95_s=quantile(took, 0.95),
            first_p50_s=quantile(first, 0.5),
            first_p95_s=quantile(first, 0.95),
            tokens_per_s=quantile(speeds, 0.5),
        )


def quantile(ordered: list[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def speed_of(answered: Answered) -> float | None:
    """Tokens per second; from the first token on where that is known."""
    tokens, seconds = answered.completion_tokens, answered.took_s
    if answered.first_s is not None and tokens > 1:
        tokens, seconds = tokens - 1, seconds - answered.first_s
    return tokens / seconds if tokens > 0 and seconds > 0 else None
