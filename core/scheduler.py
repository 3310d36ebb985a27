"""The one thread that starts jobs and finds out how they ended: decided in one place, the two cannot race."""

import logging
import subprocess
import threading
import time

from core import launcher
from core.feed import Feed
from core.history import History
from core.ladder import Ladder
from core.outcome import Outcome, outcome
from core.runs import Runs
from storage.run_folder import Attempt, Request
from storage.status import Cause, Status
from storage.tables import Job, now

TICK_S = 1.0
#: A supervisor that has not written `proc.json` after this long never started.
START_PATIENCE_S = 60.0
#: The supervisor may be in the middle of renaming `exit.json` into place.
GONE_PATIENCE_S = 2.0
#: An interrupted job goes on by itself this often, and only if it got further each time.
MAX_RESTARTS = 3

log = logging.getLogger(__name__)


class Scheduler:
    def __init__(self, runs: Runs, feed: Feed) -> None:
        self._runs = runs
        self._feed = feed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._children: list[subprocess.Popen[bytes]] = []
        self._ladders: dict[str, Ladder] = {}
        self._gone_since: dict[str, float] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Trainers go on: they belong to nobody."""
        self._stopping.set()
        self._runs.wake.set()
        self._thread.join(5)

    def tick(self) -> None:
        """One round: bring every live job's row up to date, then give a free device to the next in the queue."""
        self._children = [child for child in self._children if child.poll() is None]
        for job in self._runs.live():
            self._reconcile(job)
        for job in self._runs.interrupted():
            # The server ended between the two writes.
            self._after_interruption(job, Outcome(Status.INTERRUPTED, job.cause, job.message))
        if not self._runs.live() and not self._stopping.is_set():
            self._start_next()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._runs.wake.clear()
            try:
                self.tick()
            except Exception:  # a thread's edge: one bad run must not stop all others
                log.exception("The scheduler could not finish its round and tries again in a second.")
            self._runs.wake.wait(TICK_S)

    def _start_next(self) -> None:
        job = self._runs.claim_next()
        if job is None:
            return
        try:
            self._children.append(launcher.launch(self._runs.folder(job.id), job.attempt, job.token))
        except OSError as error:
            self._end(job, Outcome(Status.FAILED, Cause.INTERNAL, f"The trainer could not be started: {error}."))

    def _reconcile(self, job: Job) -> None:
        folder = self._runs.folder(job.id)
        attempt = folder.attempt(job.attempt)
        ended = attempt.exit()  # before the history: what the trainer wrote last is then surely in it
        alive = ended is None and launcher.is_alive(attempt)
        history = self._feed.history(job.id)
        self._note_progress(job, history)
        if ended is not None or (not alive and self._is_gone(job, attempt)):
            self._end(job, outcome(job, history, ended, folder))
        elif alive:
            self._gone_since.pop(job.id, None)
            self._follow(job, attempt, history)

    def _follow(self, job: Job, attempt: Attempt, history: History) -> None:
        if job.status is Status.CANCELLING:
            ladder = self._ladders.setdefault(job.id, Ladder(attempt))
            self._runs.note(job, stage=ladder.climb())
        elif job.status is Status.PAUSING:
            if attempt.requested() is None:
                attempt.request(Request.PAUSE)
        elif job.status is Status.PREPARING and history.training:
            self._runs.move(job, Status.RUNNING)
        elif job.status is Status.RUNNING and history.phase and history.phase.name == "exporting":
            self._runs.move(job, Status.COMPLETING)

    def _note_progress(self, job: Job, history: History) -> None:
        if history.attempt != job.attempt or history.last is None:
            return
        seen = {
            "step": history.last.step,
            "epoch": history.last.epoch,
            "total_steps": history.training.total if history.training else 0,
            "loss": history.latest("loss"),
            "eval_loss": history.latest("eval_loss"),
        }
        if any(getattr(job, name) != value for name, value in seen.items()):
            self._runs.note(job, **seen)

    def _is_gone(self, job: Job, attempt: Attempt) -> bool:
        """Neither alive nor with an exit record, for longer than a start or a rename can take."""
        since = self._gone_since.setdefault(job.id, time.monotonic())
        patience_s = GONE_PATIENCE_S if attempt.processes() else START_PATIENCE_S
        return time.monotonic() - since > patience_s

    def _end(self, job: Job, how: Outcome) -> None:
        self._ladders.pop(job.id, None)
        self._gone_since.pop(job.id, None)
        values = {"cause": how.cause, "message": how.message, "evidence": how.evidence, "stage": "", "health": ""}
        if how.status is not Status.INTERRUPTED:
            self._runs.move(job, how.status, ended_at=now(), **values)
        elif self._runs.move(job, Status.INTERRUPTED, **values):
            self._after_interruption(job, how)

    def _after_interruption(self, job: Job, how: Outcome) -> None:
        """Back into the queue, unless that has not helped before."""
        if job.restarts >= MAX_RESTARTS or job.step <= job.restarted_at_step:
            times = "once" if job.restarts == 1 else f"{job.restarts} times"
            tried = f" It was started again {times} without getting further; look into its log before you retry."
            self._runs.move(job, Status.FAILED, ended_at=now(), cause=how.cause, message=how.message + tried)
        else:
            again = {"restarts": job.restarts + 1, "restarted_at_step": job.step}
            self._runs.move(job, Status.QUEUED, **again, message=f"{how.message} It goes on by itself.")
