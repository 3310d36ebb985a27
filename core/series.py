"""One metric's curve in bounded memory: at most 2 000 points, and no spike is ever lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MAX_POINTS = 2000


class Axis(StrEnum):
    """What a curve is drawn over."""

    STEP = "step"
    EPOCH = "epoch"
    TOKENS = "tokens"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Point:
    """`tokens` and `seconds` are what the run had learned from, and trained for, by then.

    A run that was resumed has the same points as a straight one, at other seconds: these are no part of a comparison.
    """

    step: int
    epoch: float
    value: float
    tokens: float = 0.0
    seconds: float = field(default=0.0, compare=False)

    def on(self, axis: Axis) -> float:
        match axis:
            case Axis.STEP:
                return self.step
            case Axis.EPOCH:
                return self.epoch
            case Axis.TOKENS:
                return self.tokens
            case Axis.TIME:
                return self.seconds


class Series:
    """Keeps every point while there are few; beyond that the lowest and highest of each bucket of steps."""

    def __init__(self, max_points: int = MAX_POINTS) -> None:
        self._max_points = max_points
        self._steps_per_bucket = 1
        self._points: list[Point] = []

    def add(self, point: Point) -> None:
        self._points.append(point)
        # Letting it grow to twice the limit between sweeps makes an append cheap on average.
        if len(self._points) >= 2 * self._max_points:
            self._thin()

    def cut_from(self, step: int) -> None:
        """Forget what was measured at `step` and later: another attempt goes on from before it."""
        self._points = [point for point in self._points if point.step < step]

    def points(self) -> tuple[Point, ...]:
        if len(self._points) > self._max_points:
            self._thin()
        return tuple(self._points)

    @property
    def newest(self) -> Point | None:
        return self._points[-1] if self._points else None

    @property
    def steps_per_bucket(self) -> int:
        """Whatever is higher, or lower, than all others of its bucket is still there."""
        return self._steps_per_bucket

    def _thin(self) -> None:
        # Wider buckets only where these are not enough: else every sweep would take half of what is left.
        self._points = list(_extremes(self._points, self._steps_per_bucket))
        while len(self._points) > self._max_points:
            self._steps_per_bucket *= 2
            self._points = list(_extremes(self._points, self._steps_per_bucket))


def _extremes(points: Sequence[Point], steps_per_bucket: int) -> Iterator[Point]:
    """Of points in the order of their steps. The newest stays too: a page shows it as how things are."""
    if not points:
        return
    low = high = points[0]
    bucket = low.step // steps_per_bucket
    for point in points:
        if point.step // steps_per_bucket != bucket:
            yield from _in_order(low, high)
            low = high = point
            bucket = point.step // steps_per_bucket
        elif point.value < low.value:
            low = point
        elif point.value > high.value:
            high = point
    yield from _in_order(low, high)
    if points[-1] is not low and points[-1] is not high:
        yield points[-1]


def _in_order(low: Point, high: Point) -> tuple[Point, ...]:
    if low is high:
        return (low,)
    return (low, high) if (low.step, low.epoch) <= (high.step, high.epoch) else (high, low)
