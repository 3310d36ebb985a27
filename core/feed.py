"""The one tailer: reads what trainers append, keeps each run's history, publishes what is new at most 5 times a second.

One reader owns both history and live updates. With two, a page that reads the file and then listens shows points twice.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import watchfiles

from core.history import History, Recorder
from storage.event_log import PIECE_BYTES, read_events, read_past
from storage.events import Event
from storage.run_folder import PROGRESS, Attempt, RunFolder, Stretch

PUBLISH_INTERVAL_S = 0.2
#: inotify does not see writes from another host (NFS), so every followed run is looked at this often anyway.
POLL_INTERVAL_MS = 1000
TRACKS_KEPT = 64
#: Events of one run that wait to be published.
MOST_UNPUBLISHED = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedUpdate:
    """New events of one attempt, in order, and what takes long after the last of them."""

    job_id: str
    attempt: int
    events: tuple[Event, ...]
    stretch: Stretch | None = None


@dataclass(slots=True)
class _Track:
    """How far one run has been read."""

    folder: RunFolder
    inode: int | None
    recorder: Recorder = field(default_factory=Recorder)
    offsets: dict[int, int] = field(default_factory=dict)
    unpublished: list[FeedUpdate] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self) -> None:
        attempts = self.folder.attempts()
        stretch = attempts[-1].stretch() if attempts else None
        is_news = stretch != self.recorder.stretch
        for attempt in attempts:
            if attempt.number > self.recorder.attempt:
                self.recorder.begin(attempt.number)
            for events in self._unread(attempt):
                self._note(attempt.number, events, stretch)
                is_news = False
        if is_news:
            self._note(attempts[-1].number if attempts else 0, (), stretch)
        self.recorder.stretch = stretch

    def _unread(self, attempt: Attempt) -> Iterator[tuple[Event, ...]]:
        """Piece by piece: a long run's events do not fit into memory at once."""
        if not self.offsets.get(attempt.number):
            self._read_past(attempt)
        while True:
            before = self.offsets.get(attempt.number, 0)
            batch = read_events(attempt.events, before)
            self.offsets[attempt.number] = batch.offset
            for event in batch.events:
                self.recorder.apply(event)
            if batch.events:
                yield batch.events
            if batch.offset == before:
                return

    def _read_past(self, attempt: Attempt) -> None:
        """All but the end of a long file that is read for the first time: no news for anybody, so in bulk."""
        offset, end = 0, attempt.events.stat().st_size if attempt.events.exists() else 0
        while end - offset > PIECE_BYTES:
            past, offset = read_past(attempt.events, offset)
            self.recorder.apply_past(past)
            self.offsets[attempt.number] = offset

    def _note(self, attempt: int, events: tuple[Event, ...], stretch: Stretch | None) -> None:
        update = FeedUpdate(job_id=self.folder.job_id, attempt=attempt, events=events, stretch=stretch)
        self.unpublished.append(update)
        # So much at once is no news but the past of a run that nobody has followed: pages read it as history.
        while len(self.unpublished) > 1 and sum(len(one.events) for one in self.unpublished) > MOST_UNPUBLISHED:
            self.unpublished.pop(0)


class Feed:
    def __init__(self, runs: Path, publish: Callable[[FeedUpdate], None]) -> None:
        self._runs = runs
        self._publish = publish
        self._tracks: OrderedDict[str, _Track] = OrderedDict()
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        self._news = asyncio.Event()

    def history(self, job_id: str) -> History:
        """Everything the run has said until now. Reads files: call it in a thread."""
        track = self._track(job_id)
        with track.lock:
            track.catch_up()
            return track.recorder.snapshot()

    def share_read(self, job_ids: Iterable[str]) -> float:
        """How much of what these runs have said until now is read, 0 to 1. Does not wait for who reads. Blocking."""
        tracks = [self._track(job_id) for job_id in job_ids]
        paths = [attempt.events for track in tracks for attempt in track.folder.attempts()]
        there = sum(path.stat().st_size for path in paths if path.exists())
        return min(1.0, sum(sum(track.offsets.copy().values()) for track in tracks) / there) if there else 1.0

    async def run(self) -> None:
        """Watch and publish until cancelled."""
        publisher = asyncio.create_task(self._publish_news())
        try:
            async for changes in watchfiles.awatch(
                self._runs,
                watch_filter=lambda _change, path: path.endswith(("events.jsonl", PROGRESS)),
                debounce=50,
                step=10,
                rust_timeout=POLL_INTERVAL_MS,
                yield_on_timeout=True,
            ):
                self._touched |= {Path(path).relative_to(self._runs).parts[0] for _, path in changes}
                self._touched |= set() if changes else set(self._tracks)
                if self._touched:
                    self._news.set()
        finally:
            publisher.cancel()

    async def _publish_news(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            touched, self._touched = self._touched, set()
            for job_id in touched:
                for update in await asyncio.to_thread(self._drain, job_id):
                    self._publish(update)
            # The first news after a silence leaves at once; a busy trainer is coalesced.
            await asyncio.sleep(PUBLISH_INTERVAL_S)

    def _drain(self, job_id: str) -> list[FeedUpdate]:
        track = self._track(job_id)
        with track.lock:
            track.catch_up()
            updates, track.unpublished = track.unpublished, []
            return updates

    def _track(self, job_id: str) -> _Track:
        with self._lock:
            folder = RunFolder(self._runs / job_id)
            track = self._tracks.get(job_id)
            if track is None or track.inode != _inode(folder.path):
                # A deleted job's id may be given again: that is another run.
                track = self._tracks[job_id] = _Track(folder, _inode(folder.path))
            self._tracks.move_to_end(job_id)
            while len(self._tracks) > TRACKS_KEPT:
                self._tracks.popitem(last=False)
            return track


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
