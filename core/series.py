"""One metric's curve in bounded memory: at most 2 000 points, and no spike is ever lost."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Point:
    step: int
    epoch: float
    value: float


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

    def _thin(self) -> None:
        while len(self._points) > self._max_points:
            self._steps_per_bucket *= 2
            self._points = list(_extremes(self._points, self._steps_per_bucket))


def _extremes(points: Iterable[Point], steps_per_bucket: int) -> Iterable[Point]:
    buckets: dict[int, list[Point]] = {}
    for point in points:
        buckets.setdefault(point.step // steps_per_bucket, []).append(point)
    for bucket in buckets.values():
        low = min(bucket, key=lambda point: point.value)
        high = max(bucket, key=lambda point: point.value)
        yield from sorted({low, high}, key=lambda point: (point.step, point.epoch))
