"""A calmer curve behind a noisy one: the exponential moving average, without the pull of its first value."""

from collections.abc import Iterable
from dataclasses import dataclass

#: At 1 the first value would stay for ever.
MOST = 0.99


@dataclass(slots=True)
class Smoother:
    """`weight` from 0 (the curve itself) to MOST: how much of what came before stays.

    On a curve that was thinned it runs over the lowest and highest of each bucket, so it lies nearer to the middle of
    the extremes than to the mean.
    """

    weight: float
    _sum: float = 0.0
    _share: float = 0.0

    def add(self, value: float) -> float:
        self._sum = self.weight * self._sum + (1 - self.weight) * value
        self._share = self.weight * self._share + (1 - self.weight)
        return self._sum / self._share

    def all(self, values: Iterable[float]) -> list[float]:
        return [self.add(value) for value in values]
