"""Watches a training program from outside: its CPU seconds and peak memory, and when its steps began and ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """What a program says by itself."""

    began: bool
    steps: int
    total: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Moment:
    at: float
    cpu_s: float


@dataclass(slots=True)
class Watch:
    """`pids` are looked for at every look, with all their children; time counts from here."""

    pids: Callable[[], list[int]]
    progress: Callable[[], Progress]
    _start: float = field(default_factory=time.monotonic)
    _moments: dict[str, Moment] = field(default_factory=dict)
    _peak: int = 0
    _before: float = 0.0
    _cpu_of: dict[int, float] = field(default_factory=dict)

    def discount(self, pid: int) -> None:
        """What this process and its children have used so far was spent before there was anything to do."""
        self._before = sum(
            used.user + used.system
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
            for used in [process.cpu_times()]
        )

    def until_last_step(self) -> None:
        while "last" not in self._moments:
            now = self._look()
            said = self.progress()
            if said.began:
                self._moments.setdefault("began", now)
            if said.steps >= 1:
                self._moments.setdefault("began", now)
                self._moments.setdefault("first", now)
            if said.total and said.steps >= said.total:
                self._moments["last"] = now
            elif said.ended:
                raise SystemExit(f"It ended after {said.steps} of {said.total} steps.")
            time.sleep(EVERY_S)

    def until_end(self) -> None:
        while not self.progress().ended:
            self._look()
            time.sleep(EVERY_S)

    def result(self, tokens: int) -> dict[str, float]:
        began, first, last = (self._moments[name] for name in ("began", "first", "last"))
        return {
            "tokens": tokens,
            "per_s": tokens / (last.at - began.at),
            "per_cpu_s": tokens / (last.cpu_s - began.cpu_s),
            "peak_mb": self._peak / 1024**2,
            "first_step_s": first.at - self._start,
            "first_step_cpu_s": first.cpu_s,
            "training_begins_s": began.at - self._start,
            "training_begins_cpu_s": began.cpu_s,
        }

    def _look(self) -> Moment:
        memory = 0
        for pid in self.pids():
            try:
                process = psutil.Process(pid)
                family = [process, *process.children(recursive=True)]
            except psutil.Error:
                continue
            for each in family:
                try:
                    used = each.cpu_times()
                    self._cpu_of[each.pid] = used.user + used.system
                    memory += each.memory_info().rss
                except psutil.Error:
                    continue
        self._peak = max(self._peak, memory)
        return Moment(time.monotonic(), sum(self._cpu_of.values()) - self._before)
