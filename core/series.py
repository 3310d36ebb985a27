"""One metric's curve in bounded memory: at most 2 000 points, and no spike is ever lost."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

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


class Moment(NamedTuple):
    """When something was measured; for all curves of a step the same object. See Point."""

    step: int
    epoch: float
    tokens: float = 0.0
    seconds: float = 0.0


class Series:
    """Keeps every point while there are few; beyond that the lowest and highest of each bucket of steps.

    A run of a million steps with eight curves is read at once when it is first opened, so little is done for each, and
    no Point is made: one moment serves all curves."""

    def __init__(self, max_points: int = MAX_POINTS) -> None:
        self._most = max_points
        self._steps_per_bucket = 1
        self._kept: list[_Measured] = []
        # Of the newest bucket, once buckets are wider than a step.
        self._bucket = -1
        self._low = self._high = self._newest = _NOTHING

    def add(self, moments: Iterable[Moment], values: Iterable[float]) -> None:
        """In the order of their steps."""
        width, bucket, low, high, newest = self._steps_per_bucket, self._bucket, self._low, self._high, self._newest
        for found in zip(moments, values, strict=True):
            if found[0][0] // width != bucket:
                self._low, self._high, self._newest = low, high, newest
                self._begin(found)
                width, bucket, low, high = self._steps_per_bucket, self._bucket, self._low, self._high
            elif found[1] < low[1]:
                low = found
            elif found[1] > high[1]:
                high = found
            newest = found
        self._low, self._high, self._newest = low, high, newest

    def cut_from(self, step: int) -> None:
        """Forget what was measured at `step` and later: another attempt goes on from before it."""
        self._close()
        self._kept = [found for found in self._kept if found[0].step < step]

    def points(self) -> tuple[Point, ...]:
        return tuple(point_of(moment, value) for moment, value in self._all())

    @property
    def newest(self) -> Point | None:
        found = self._all()
        return point_of(*found[-1]) if found else None

    @property
    def steps_per_bucket(self) -> int:
        """Whatever is higher, or lower, than all others of its bucket is still there."""
        return self._steps_per_bucket

    def _all(self) -> list["_Measured"]:
        return self._kept if self._bucket < 0 else [*self._kept, *_in_order(self._low, self._high, self._newest)]

    def _begin(self, found: "_Measured") -> None:
        """The next bucket; while each step is one, there is none."""
        if self._steps_per_bucket == 1:
            self._kept.append(found)
            if len(self._kept) > self._most:
                self._widen()
            return
        self._close()
        if len(self._kept) + _OF_A_BUCKET > self._most:
            self._widen()
        self._bucket = found[0].step // self._steps_per_bucket
        self._low = self._high = self._newest = found

    def _close(self) -> None:
        if self._bucket >= 0:
            self._kept += _in_order(self._low, self._high)
            self._bucket = -1

    def _widen(self) -> None:
        while len(self._kept) + _OF_A_BUCKET > self._most:
            self._steps_per_bucket *= 2
            self._kept = list(_extremes(self._kept, self._steps_per_bucket))


_Measured = tuple[Moment, float]
_NOTHING: _Measured = (Moment(0, 0.0), 0.0)
#: The lowest, the highest and the newest, which a page shows as how things are.
_OF_A_BUCKET = 3


def point_of(moment: Moment, value: float) -> Point:
    return Point(moment.step, moment.epoch, value, moment.tokens, moment.seconds)


def _extremes(points: Sequence[_Measured], steps_per_bucket: int) -> Iterator[_Measured]:
    """Of points in the order of their steps. The newest stays too."""
    for _, group in groupby(points, key=lambda found: found[0].step // steps_per_bucket):
        bucket = list(group)
        newest = (points[-1],) if bucket[-1] is points[-1] else ()
        yield from _in_order(min(bucket, key=_value), max(bucket, key=_value), *newest)


def _value(found: _Measured) -> float:
    return found[1]


def _in_order(*found: _Measured) -> list[_Measured]:
    """Each once, as they were measured."""
    once = {id(one): one for one in found}
    return sorted(once.values(), key=lambda one: (one[0].step, one[0].epoch))
