"""An answer that takes a while to find: found once for all who ask about the same, and again after a moment."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """`fresh_s` bounds how long what the key does not say may be out of date."""

    def __init__(self, fresh_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._fresh_s = fresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[Hashable, float, Answer] | None = None

    def get(self, key: Hashable, find: Callable[[], Answer]) -> Answer:
        """Who asks while somebody else is finding waits for that answer."""
        with self._lock:
            if self._kept and self._kept[0] == key and self._clock() - self._kept[1] < self._fresh_s:
                return self._kept[2]
            answer = find()
            self._kept = (key, self._clock(), answer)
            return answer
