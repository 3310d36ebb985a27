"""The processes that tell trackers what a run measures: one for each run and tracker, started and forgotten here.

They live with the studio, not with the trainer. What is open when the studio ends is written down, and goes on from the
same event when it starts again.
"""

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core.child import Child, ChildFailed
from core.errors import StudioError
from core.spawn import inherited
from core.tracking import Tracking, asked
from storage.files import read_json, write_json
from storage.spec import RunSpec
from storage.tables import Job
from storage.trackers import MirrorState, Tracker

#: How often a mirror that runs is looked at.
LOOK_EVERY_S = 0.5
#: How long a tracker may still take once its run has ended; then it is left.
GRACE_S = 120.0
#: The same when the studio ends: what is not told by then is told when it starts again.
LAST_GRACE_S = 20.0
MODULE = "training.mirror"

Key = tuple[str, Tracker]
log = logging.getLogger(__name__)


class Mirrors:
    """`job` and `spec` find a job's row and spec; `changed(job_id)` is called when there is something new to show."""

    def __init__(
        self,
        home: Path,
        tracking: Tracking,
        job: Callable[[str], Job],
        spec: Callable[[str], RunSpec],
        changed: Callable[[str], None],
        grace_s: float = GRACE_S,
    ) -> None:
        self._runs = home / "runs"
        self._open_path = home / "mirrors.json"
        self._tracking = tracking
        self._job = job
        self._spec = spec
        self._changed = changed
        self._grace_s = grace_s
        self._noted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._children: dict[Key, Child] = {}
        #: The attempt that each was started for; once an attempt is enough.
        self._started: dict[Key, int] = {}
        self._ended_since: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirrors", daemon=True)

    def start(self) -> None:
        for job_id in read_json(self._open_path) or {}:
            self._noted.put(job_id)
        self._thread.start()

    def stop(self) -> None:
        """Runs that have ended are told to their end, where that is quick."""
        until = time.monotonic() + LAST_GRACE_S
        while self._thread.is_alive() and time.monotonic() < until and self._has_endings():
            time.sleep(LOOK_EVERY_S / 5)
        self._stopping.set()
        self._noted.put("")
        if self._thread.is_alive():
            self._thread.join(5)
        for child in self._children.values():
            child.cancel()

    def note(self, job_id: str) -> None:
        """Something about this job has changed. Returns at once."""
        self._noted.put(job_id)

    def _run(self) -> None:
        while not self._stopping.is_set():
            noted = ""
            with contextlib.suppress(queue.Empty):
                noted = self._noted.get(timeout=LOOK_EVERY_S if self._children else None)
            try:
                self._look(noted)
            except Exception:  # a thread's edge: a tracker must not stop the others
                log.exception("The trackers of %s could not be looked after.", noted or "the jobs")

    def _look(self, noted: str) -> None:
        if noted:
            self._attend(noted)
        for key, child in list(self._children.items()):
            if not child.is_running:
                self._end(key, child)
            elif self._is_late(key[0]):
                child.cancel()

    def _attend(self, job_id: str) -> None:
        try:
            job, spec = self._job(job_id), self._spec(job_id)
        except (StudioError, OSError, ValueError):  # deleted meanwhile, or damaged
            self._remember()
            return
        if job.status.is_live:
            self._ended_since.pop(job_id, None)
        else:
            self._ended_since.setdefault(job_id, time.monotonic())
        for tracker in asked(spec.asked):
            if (job_id, tracker) not in self._children and self._is_untold(job, tracker):
                self._begin(job, tracker)
        self._remember()

    def _is_untold(self, job: Job, tracker: Tracker) -> bool:
        """Whether this attempt has something to tell that nobody has begun to: also where it is over already."""
        if not job.attempt or self._started.get((job.id, tracker)) == job.attempt:
            return False
        state = MirrorState.read(self._runs / job.id, tracker)
        return state is None or state.state == "sending" or state.attempt < job.attempt

    def _begin(self, job: Job, tracker: Tracker) -> None:
        run = self._runs / job.id
        self._started[job.id, tracker] = job.attempt
        try:
            secret = self._tracking.vault.get(tracker) if tracker in (Tracker.WANDB, Tracker.MLFLOW) else ""
            request = {
                "run": str(run),
                "tracker": tracker.value,
                "attempt": job.attempt,
                "settings": self._tracking.settings().model_dump(),
                "secret": secret,
            }
        except StudioError as error:
            state = MirrorState.read(run, tracker) or MirrorState()
            state.model_copy(update={"state": "failed", "message": str(error)}).write(run, tracker)
            return
        self._children[job.id, tracker] = Child(MODULE, request, proxies())

    def _end(self, key: Key, child: Child) -> None:
        job_id, tracker = key
        del self._children[key]
        try:
            child.result()
        except ChildFailed as error:
            run = self._runs / job_id
            state = MirrorState.read(run, tracker) or MirrorState()
            if state.state != "failed" and run.is_dir():
                said = "It took too long after the run had ended." if child.cancelled else str(error)
                state.model_copy(update={"state": "failed", "message": said}).write(run, tracker)
            log.warning("%s is not told about %s any more: %s", tracker, job_id, error)
        self._remember()
        self._noted.put(job_id)  # a further attempt may have begun meanwhile
        self._changed(job_id)

    def _is_late(self, job_id: str) -> bool:
        since = self._ended_since.get(job_id)
        return since is not None and time.monotonic() - since > self._grace_s

    def _has_endings(self) -> bool:
        """Whether a run that is over is still being told, or may be in a moment."""
        return not self._noted.empty() or any(job_id in self._ended_since for job_id, _ in [*self._children])

    def _remember(self) -> None:
        open_now = sorted({job_id for job_id, _ in self._children})
        if open_now != sorted(read_json(self._open_path) or {}):
            write_json(self._open_path, {job_id: True for job_id in open_now})


def proxies() -> dict[str, str]:
    """A tracker may be behind one; trainers never ask the network, so they do not inherit these."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
    found = {name: os.environ[name] for name in (*names, *map(str.lower, names)) if name in os.environ}
    return {name: value for name, value in found.items() if name not in inherited()}
