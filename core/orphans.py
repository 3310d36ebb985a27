"""Processes of this data folder whose attempt is over: found by what their environment says, ended by the ladder."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core import launcher
from core.ladder import Ladder
from storage.process import FOLDER_VARIABLE, LEAST_TOKEN, TOKEN_VARIABLE, environment, start_ticks
from storage.run_folder import Attempt, RunFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process, and the attempt that it says it belongs to."""

    pid: int
    start_ticks: int
    job_id: str
    token: str


@dataclass(slots=True)
class Orphanage:
    """Looked through every few seconds. A process counts only when it is found twice: it may just be ending."""

    runs: Path
    _seen: frozenset[Orphan] = frozenset()
    _ladders: dict[str, Ladder] = field(default_factory=dict)

    def sweep(self, live_tokens: frozenset[str], is_known: Callable[[str], bool]) -> list[Orphan]:
        """One look; returns those that are being ended. A job that the index does not know is left in peace: the
        index may have been lost, and a trainer must not pay for that."""
        found = frozenset(orphan for orphan in processes_of(self.runs) if orphan.token not in live_tokens)
        ours = {orphan for orphan in found if is_known(orphan.job_id)}
        for stranger in found - ours - self._seen:
            log.warning("Process %s trains for %s, which the index does not know.", stranger.pid, stranger.job_id)
        again = sorted(ours & self._seen, key=lambda orphan: orphan.pid)
        self._seen = found
        tokens = {orphan.token for orphan in again}
        self._ladders = {token: ladder for token, ladder in self._ladders.items() if token in tokens}
        for orphan in again:
            if orphan.token not in self._ladders:
                self._begin_to_end(orphan)
        return again

    def climb(self) -> None:
        for ladder in self._ladders.values():
            ladder.climb()

    def _begin_to_end(self, orphan: Orphan) -> None:
        log.warning("Process %s of %s has outlived its attempt and is ended.", orphan.pid, orphan.job_id)
        attempt = _attempt_of(self.runs, orphan)
        if attempt:
            self._ladders[orphan.token] = Ladder(attempt)
        else:
            # There is no folder left through which it could be asked.
            launcher.kill_all_with(orphan.token)


def processes_of(runs: Path) -> Iterator[Orphan]:
    """Every process that carries a token and a run folder below `runs`."""
    for pid in psutil.pids():
        if pid < 2 or pid == os.getpid():
            continue
        told = environment(pid)
        folder, token = Path(told.get(FOLDER_VARIABLE, "")), told.get(TOKEN_VARIABLE, "")
        ticks = start_ticks(pid)
        if folder.parent == runs and len(token) >= LEAST_TOKEN and ticks is not None:
            yield Orphan(pid, ticks, folder.name, token)


def _attempt_of(runs: Path, orphan: Orphan) -> Attempt | None:
    attempts = RunFolder(runs / orphan.job_id).attempts()
    return next((found for found in attempts if found.token() == orphan.token), None)
