"""When the next checkpoint within an epoch is due. Pure arithmetic, no torch."""

import time
from collections.abc import Callable

from storage.retention import Checkpointing

#: The part of the time that writing checkpoints may take.
MOST_SHARE = 0.03


class TimeShare:
    """Something that may take a part of the time at most: it waits until its last turn was that part of the time since.

    Times in seconds.
    """

    def __init__(self, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._since = clock()
        self.took_s = 0.0

    @property
    def rest_s(self) -> float:
        return self.took_s / self._most

    def begin(self) -> None:
        """Count from now."""
        self._since = self._clock()

    def is_free(self) -> bool:
        return self._clock() - self._since >= self.rest_s

    def took(self, took_s: float) -> None:
        self.took_s = took_s
        self.begin()


class Cadence:
    """Asked after every step. What is due waits until the last write's time is a small part of the time since."""

    def __init__(self, plan: Checkpointing, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._clock = clock
        self._written_at = clock()
        self._took_s = 0.0
        self._told = False

    def is_due(self, step: int, *, is_best: bool = False) -> bool:
        return self._is_asked(step, is_best=is_best) and self._since() >= self._rest_s

    def written(self, took_s: float) -> None:
        """Whatever the occasion was: each write begins a new interval."""
        self._written_at, self._took_s = self._clock(), took_s

    def stretched(self, step: int) -> str:
        """Said once, when a checkpoint that was asked for by its number or time has to wait; empty otherwise."""
        if self._told or not self._is_asked(step, is_best=False) or self._since() >= self._rest_s:
            return ""
        self._told = True
        return (
            f"Writing a checkpoint takes {self._took_s:.1f} s. So that it takes {100 * MOST_SHARE:g} % of the time at "
            f"most, those within an epoch are at least {self._rest_s:.0f} s apart; some that were asked for are left "
            "out."
        )

    @property
    def _rest_s(self) -> float:
        return self._took_s / MOST_SHARE

    def _since(self) -> float:
        return self._clock() - self._written_at

    def _is_asked(self, step: int, *, is_best: bool) -> bool:
        plan = self._plan
        numbered = any(number and step % number == 0 for number in (plan.save_steps, plan.every))
        timely = plan.save_minutes and self._since() >= plan.save_minutes * 60
        return bool(numbered or timely or (is_best and plan.best))
