"""The one thread that starts jobs and finds out how they ended: decided in one place, the two cannot race."""

import logging
import threading
import time

from core import launcher
from core.ballast import Ballast
from core.crashpoints import reach
from core.errors import NoRunner, NotStarted, Unanswered
from core.feed import Feed
from core.health import Pulse
from core.history import History
from core.home import Home
from core.ladder import Ladder
from core.launcher import Launcher, Start
from core.orphans import Orphanage
from core.outcome import Outcome, could_not_start, is_of_an_earlier_boot, outcome
from core.predictions import Predictions
from core.queueing import Queue
from core.runs import Runs
from storage.run_folder import Attempt, Request
from storage.status import Cause, Status
from storage.tables import Job, now

TICK_S = 1.0
#: A supervisor that has not written `proc.json` after this long never started.
START_PATIENCE_S = 60.0
ADOPT_PATIENCE_S = 10.0
#: The supervisor may be in the middle of renaming `exit.json` into place.
GONE_PATIENCE_S = 2.0
#: An interrupted job goes on by itself this often, and only if it got further each time.
MAX_RESTARTS = 3
LOST_PATIENCE_S = 3.0
#: Orphans and stale leases are rare: every process of the machine is looked at for them.
SWEEP_S = 10.0

log = logging.getLogger(__name__)


class Scheduler:
    def __init__(
        self,
        runs: Runs,
        queue: Queue,
        feed: Feed,
        home: Home,
        ballast: Ballast,
        launcher: Launcher,
        predictions: Predictions,
        patience: float = 1.0,
    ) -> None:
        self._runs = runs
        self._queue = queue
        self._feed = feed
        self._home = home
        self._ballast = ballast
        self._launcher = launcher
        self._predictions = predictions
        self._patience = patience
        self._orphanage = Orphanage(home.runs)
        self._swept_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._ladders: dict[str, Ladder] = {}
        self._gone_since: dict[str, float] = {}
        self._launched: set[str] = set()
        self._pulses: dict[str, Pulse] = {}
        #: Job id → sentence, for attempts whose GPU has vanished.
        self._bereft: dict[str, str] = {}
        self._lost_since: dict[str, float] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Trainers go on: they belong to nobody."""
        self._stopping.set()
        self._runs.wake.set()
        self._thread.join(5)
        if self._launcher.spare:
            self._launcher.spare.close()

    def tick(self) -> None:
        """One round: bring every live job's row up to date, then give the free devices to the next in the queue."""
        # First of all: whoever has to write below then can.
        self._ballast.tend()
        self._notice_lost_devices()
        for job in self._runs.live():
            self._reconcile(job)
        for job in self._runs.interrupted():
            # The server ended between the two writes.
            self._after_interruption(job, Outcome(Status.INTERRUPTED, job.cause, job.message))
        self._look_for_orphans()
        if self._home.shortage():
            self._pause_for_space()
        else:
            while not self._stopping.is_set() and self._start_next():
                pass
        if self._launcher.spare:
            self._launcher.spare.tend()
        self._queue.tell_news()
        self._queue.keep_in_mind()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._runs.wake.clear()
            try:
                self.tick()
            except Exception:  # a thread's edge: one bad run must not stop all others
                log.exception("The scheduler could not finish its round and tries again in a second.")
            self._runs.wake.wait(TICK_S)

    def _start_next(self) -> bool:
        try:
            with self._launcher.ready() as start:
                return self._start_by(start)
        except NoRunner:
            return False  # the queue says why

    def _start_by(self, start: Start) -> bool:
        job = self._runs.claim_next()
        if job is None:
            return False
        reach("launch: claimed")
        folder = self._runs.folder(job.id)
        devices = tuple(device.uuid for device in self._queue.devices_of(job))
        try:
            launcher.launch(folder, job.attempt, job.token, devices, start)
            self._launched.add(job.token)
        except Unanswered as error:
            # It may have been started all the same: then it is found, like what an earlier server was starting.
            log.warning("%s Whether %s was started will show.", error, job.id)
        except (OSError, NotStarted) as error:
            self._end(job, could_not_start(error, folder))
        reach("launch: spawned")
        return True

    def _pause_for_space(self) -> None:
        for job in self._runs.live():
            if job.status is Status.RUNNING:
                self._runs.pause_for_space(job)

    def _notice_lost_devices(self) -> None:
        """A GPU that fails to answer once may only have been busy."""
        lost = self._queue.lost_devices()
        self._lost_since = {job_id: self._lost_since.get(job_id, time.monotonic()) for job_id in lost}
        patient_until = time.monotonic() - LOST_PATIENCE_S
        self._bereft |= {job_id: lost[job_id] for job_id, since in self._lost_since.items() if since <= patient_until}

    def _look_for_orphans(self) -> None:
        self._orphanage.climb()
        if time.monotonic() - self._swept_at < SWEEP_S:
            return
        self._swept_at = time.monotonic()
        self._queue.release_stale()
        live = self._runs.live()
        self._orphanage.sweep(frozenset(job.token for job in live), self._runs.is_known)

    def _reconcile(self, job: Job) -> None:
        folder = self._runs.folder(job.id)
        attempt = folder.attempt(job.attempt)
        ended = attempt.exit()  # before the history: what the trainer wrote last is then surely in it
        alive = ended is None and launcher.is_alive(attempt)
        history = self._feed.history(job.id)
        self._note_progress(job, history)
        if ended is not None or (not alive and self._is_gone(job, attempt)):
            reach("finish: exit seen")
            self._predictions.compare(folder, history)
            short = bool(self._home.shortage())
            how = outcome(job, history, ended, folder, disk_is_short=short)
            self._end(job, self._told_why(job, how))
        elif alive:
            self._gone_since.pop(job.id, None)
            self._follow(job, attempt, history)

    def _told_why(self, job: Job, how: Outcome) -> Outcome:
        """We have killed it ourselves where its GPU was gone; the signal is not the reason."""
        if job.id not in self._bereft or how.status in (Status.COMPLETED, Status.CANCELLED, Status.PAUSED):
            return how
        return Outcome(Status.INTERRUPTED, Cause.GPU_LOST, self._bereft[job.id], how.evidence)

    def _follow(self, job: Job, attempt: Attempt, history: History) -> None:
        health = self._pulses.setdefault(job.id, Pulse()).feel(attempt, history, job.status)
        if job.id in self._bereft:
            self._ladders.setdefault(job.id, Ladder.at_the_kill(attempt)).climb()
            health = self._bereft[job.id]
        if health != job.health:
            self._runs.note(job, health=health)
        if job.id in self._bereft:
            return
        if job.status is Status.CANCELLING:
            ladder = self._ladders.setdefault(job.id, Ladder(attempt, self._patience))
            if (stage := ladder.climb()) != job.stage:
                self._runs.note(job, stage=stage)
            reach("cancel: first rung taken")
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
        if is_of_an_earlier_boot(attempt):
            return True
        since = self._gone_since.setdefault(job.id, time.monotonic())
        if attempt.processes():
            patience_s = GONE_PATIENCE_S
        else:
            # What an earlier server was starting when it died either writes its identity soon, or never began.
            patience_s = START_PATIENCE_S if job.token in self._launched else ADOPT_PATIENCE_S
        return time.monotonic() - since > patience_s

    def _end(self, job: Job, how: Outcome) -> None:
        self._ladders.pop(job.id, None)
        self._gone_since.pop(job.id, None)
        self._pulses.pop(job.id, None)
        self._bereft.pop(job.id, None)
        values = {"cause": how.cause, "message": how.message, "evidence": how.evidence, "stage": "", "health": ""}
        if how.status is not Status.INTERRUPTED:
            self._runs.move(job, how.status, ended_at=now(), **values)
        elif self._runs.move(job, Status.INTERRUPTED, **values):
            reach("finish: interrupted, not requeued")
            self._after_interruption(job, how)

    def _after_interruption(self, job: Job, how: Outcome) -> None:
        """Back into the queue, unless that has not helped before, or a pause was asked for."""
        if job.pause_requested:
            self._runs.move(job, Status.PAUSED, message=f"{how.message} It was to pause; resume it when you want.")
            return
        if job.restarts >= MAX_RESTARTS or job.step <= job.restarted_at_step:
            times = "once" if job.restarts == 1 else f"{job.restarts} times"
            tried = f" It was started again {times} without getting further; look into its log before you retry."
            self._runs.move(job, Status.FAILED, ended_at=now(), cause=how.cause, message=how.message + tried)
        else:
            again = {"restarts": job.restarts + 1, "restarted_at_step": job.step}
            self._runs.move(job, Status.QUEUED, **again, message=f"{how.message} It goes on by itself.")
