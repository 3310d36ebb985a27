"""What workers have made of models and adapters, to be found again: how much it may take, and what making it takes."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.devices import GB
from core.serving.targets import Base
from storage.files import bytes_of
from storage.serving import merged_name

#: Beside the weights: what the program that merges takes itself.
MERGE_OVERHEAD_BYTES = 700 * 1000**2
FLOAT32_BYTES = 4

log = logging.getLogger(__name__)


class Cache:
    """`path` is the workers' folder. Each entry is one model or adapter; a worker sets its time when it takes it."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self._most = most_bytes
        # What was taken since may be in use by a worker of ours; a worker of an earlier server is gone.
        self._since = time.time()

    def bytes_to_merge(self, base: Base) -> int:
        """An estimate of the memory that it takes to put the other job's adapter into this base; 0 where that is done.

        It is done in 32 bits: a small change would be lost in fewer."""
        if not base.beneath or (self.path / merged_name(base.model, base.beneath)).is_dir():
            return 0
        weights = FLOAT32_BYTES * base.model.parameters or 2 * bytes_of(Path(base.model.path))
        return weights + MERGE_OVERHEAD_BYTES

    def tidy(self) -> None:
        """Take away what was used longest ago, until the rest is within bounds. Nothing that may be in use."""
        found = sorted(self._entries())
        total = sum(size for _, size, _ in found)
        for used_at, size, entry in found:
            if total <= self._most or used_at >= self._since:
                return
            log.info("%s leaves the workers' cache: %.1f of %.1f GB are used.", entry.name, total / GB, self._most / GB)
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
            total -= size

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        for entry in self.path.glob("*"):
            with suppress(FileNotFoundError):  # a worker has renamed what it was writing
                yield entry.stat().st_mtime, bytes_of(entry), entry
