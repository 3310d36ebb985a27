"""What may go: leftovers of work that stopped half-way, old trash, checkpoints that no job keeps, lost uploads."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from core import launcher
from core.feed import Feed
from core.home import Home
from core.runs import Runs
from core.trash import Removed, Trash, unlink
from storage import manifest, token_folder
from storage.files import bytes_of, read_json
from storage.retention import PIN, alone_with, superfluous
from storage.run_folder import RunFolder

#: A partial file or folder in which nothing was written for so long is nobody's work any more.
QUIET_S = 3600.0
#: A download that stopped can be gone on with for so long.
FORGOTTEN_S = 14 * 24 * 3600.0
#: What can be made again in seconds or minutes goes when nobody has asked for it for so long.
UNASKED_S = 30 * 24 * 3600.0


class Sweep:
    def __init__(self, home: Home, runs: Runs, known_datasets: set[str]) -> None:
        self._home = home
        self._runs = runs
        self._known = known_datasets
        self._trash = Trash(home)

    def find(self) -> list[Removed]:
        """Everything that would go now."""
        leftovers = [*self._leftovers(), *self._trash.old(), *self._checkpoints(), *self._uploads()]
        return [*leftovers, *self._tokens(), *self._served()]

    def remove(self, item: Removed) -> None:
        """Through the trash, so that a crash never leaves half of it in its place. What was pinned meanwhile stays."""
        if item.path.parent.name == "checkpoints":
            with contextlib.suppress(TimeoutError), alone_with(item.path.parent):
                if not (item.path / PIN).exists():
                    unlink(self._trash.take(item.path))
            return
        unlink(item.path if item.path.parent == self._home.trash else self._trash.take(item.path))

    def _leftovers(self) -> Iterator[Removed]:
        home = self._home
        tops = [*home.path.glob(".probe-*"), *home.path.glob(".*.tmp"), *home.path.glob(".*.partial")]
        inner = [
            home.datasets.glob(".*.partial"),
            home.models.glob("*.partial"),
            home.adapters.glob(".*.partial"),
            home.backups.glob(".*.partial"),
        ]
        inner.append((home.path / token_folder.CACHE).glob(".*.partial"))
        for path in [*tops, *(path for found in inner for path in found)]:
            if _is_quiet(path):
                yield Removed(path, bytes_of(path), "left by work that stopped half-way")
        for path in home.models.glob(".downloads/*/"):
            if _is_quiet(path, FORGOTTEN_S):
                yield Removed(path, bytes_of(path), "a download that nobody went on with")
        for folder in self._idle_runs():
            for path in [*folder.path.glob(f"*{manifest.PARTIAL}"), *folder.checkpoints.glob(f"*{manifest.PARTIAL}")]:
                if _is_quiet(path):
                    yield Removed(path, bytes_of(path), "left by an attempt that stopped half-way")

    def _checkpoints(self) -> Iterator[Removed]:
        """By the run's own three numbers, as its trainer does."""
        for folder in self._idle_runs():
            ranks = Feed(self._home.runs, lambda _: None).history(folder.job_id).eval_ranks
            for path in superfluous(folder.checkpoints, folder.spec().retention, ranks):
                yield Removed(path, bytes_of(path), "beyond the checkpoints that its job keeps")

    def _uploads(self) -> Iterator[Removed]:
        for path in self._home.datasets.glob("[!.]*"):
            if path.name not in self._known and not self._is_used(path) and _is_quiet(path):
                yield Removed(path, bytes_of(path), "an upload that never became a dataset")

    def _tokens(self) -> Iterator[Removed]:
        for path, size in token_folder.oldest_first(self._home.path / token_folder.CACHE):
            about = read_json(path / token_folder.ABOUT) or {}
            if not (self._home.datasets / str(about.get("dataset", ""))).is_dir():
                yield Removed(path, size, "tokens of a dataset that is gone")

    def _served(self) -> Iterator[Removed]:
        """What workers have made of models and adapters. One that is in use keeps its file, name or no name."""
        for path in sorted(self._home.served.glob("[!.]*")):
            about = path.stat()
            if time.time() - max(about.st_atime, about.st_mtime) > UNASKED_S:
                yield Removed(path, bytes_of(path), "a model's file that no worker has read for a month")

    def _is_used(self, dataset: Path) -> bool:
        """A dataset with its description can come back by rebuild-index: only what has none is lost."""
        return (dataset / "dataset.json").exists()

    def _idle_runs(self) -> Iterator[RunFolder]:
        """Runs without a live trainer, whatever the index says of them."""
        live = {job.id for job in self._runs.live()}
        for path in sorted(self._home.runs.glob("*/spec.json")):
            folder = RunFolder(path.parent)
            if folder.job_id not in live and not any(launcher.is_alive(attempt) for attempt in folder.attempts()):
                yield folder


def _is_quiet(path: Path, quiet_s: float = QUIET_S) -> bool:
    newest = max((file.lstat().st_mtime for file in [path, *path.rglob("*")] if file.exists()), default=0.0)
    return time.time() - newest > quiet_s
