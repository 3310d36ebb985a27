"""How many tokens a run has learned from, and for how long it has trained: what curves can be drawn over beside steps.

A pause between two attempts is no training, so the clock stands still there.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from core.series import Moment, Point, point_of
from storage.event_log import Measured
from storage.events import Event, Metric


@dataclass(slots=True)
class Odometer:
    """Read every event in its order. `seconds` begin with the first event of the run."""

    tokens: float = 0.0
    seconds: float = 0.0
    _began: datetime | None = None
    _before: float = 0.0

    def begin(self) -> None:
        """A further attempt: its clock goes on from where the last one's stands."""
        self._began, self._before = None, self.seconds

    def set_back(self, to: Point | None) -> None:
        """The attempt goes on from `to`: what came after it is done again. None is the very beginning."""
        gone = self.seconds - self._before
        self.tokens, self._before = (to.tokens, to.seconds) if to else (0.0, 0.0)
        self.seconds = self._before + gone

    def read(self, event: Event | Measured) -> None:
        self._began = self._began or event.at
        # A clock that was set back must not turn a curve around.
        self.seconds = max(self.seconds, self._before + (event.at - self._began).total_seconds())
        if isinstance(event, Measured | Metric):
            pace, took = event.values.get("tokens_per_second"), event.values.get("step_seconds")
            # A step's tokens are a whole number, which their pace gives back with a rounding error.
            self.tokens += round(pace * took) if pace and took else 0

    def moment(self, metric: Metric | Measured) -> Moment:
        """Of this metric, which has just been read."""
        return Moment(metric.step, metric.epoch, self.tokens, self.seconds)

    def points(self, metric: Metric) -> dict[str, Point]:
        """What this metric, which has just been read, adds to the curves."""
        moment = self.moment(metric)
        return {name: point_of(moment, value) for name, value in metric.values.items() if value is not None}

    def copy(self) -> Self:
        return replace(self)
