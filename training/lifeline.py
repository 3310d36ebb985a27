"""The trainer's second thread: shows that we live, and hears when we should stop."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from storage.events import Failed
from storage.run_folder import Attempt, Request, Stretch
from training.ranks import ALONE, Rank

HEARTBEAT_S = 5.0
POLL_S = 0.25
#: What is over sooner than this is not worth a file; nor is it worth writing more often.
STRETCH_S = 1.0


class Stopped(Exception):
    """Somebody asked for the end of this attempt."""


class Lifeline:
    """One flag, set by `control.json` or by a signal; the work looks at it wherever it can stop."""

    def __init__(self, attempt: Attempt, rank: Rank = ALONE) -> None:
        self.attempt = attempt
        self._rank = rank
        self._stop = threading.Event()
        self._pause = threading.Event()
        self._failed_elsewhere: Callable[[Failed], None] | None = None
        self._at: Stretch | None = None
        self._written: Stretch | None = None
        self._written_at = 0.0

    def start(self, on_failure_elsewhere: Callable[[Failed], None] | None = None) -> None:
        """`on_failure_elsewhere` is called in our thread when another process of the run has left word."""
        self._failed_elsewhere = on_failure_elsewhere
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._beat, name="lifeline", daemon=True).start()

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    @property
    def is_pause(self) -> bool:
        """Whether the stop that was asked for is to be gone on from later."""
        return self._pause.is_set()

    @property
    def asked(self) -> Request | None:
        if not self.stop_requested:
            return None
        return Request.PAUSE if self.is_pause else Request.CANCEL

    def adopt(self, request: Request | None) -> None:
        """What another process of the run was asked holds for this one as well."""
        if request is not self.asked:
            self._hear(request)

    def is_at(self, stretch: Stretch | None) -> None:
        """Between two events. Costs the training an assignment: our thread writes, and only what takes a while."""
        self._at = stretch

    def check(self) -> None:
        if self.stop_requested:
            raise Stopped

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # A second SIGTERM means that somebody has waited long enough.
        if number == signal.SIGTERM and self.stop_requested:
            sys.exit(128 + number)
        self._stop.set()

    def _beat(self) -> None:
        next_beat = 0.0
        known, since = self._at, time.monotonic()
        while True:
            if self._rank.is_first and time.monotonic() >= next_beat:
                # A full disk must not stop the thread that hears when to end.
                with contextlib.suppress(OSError):
                    self.attempt.heartbeat.touch()
                next_beat = time.monotonic() + HEARTBEAT_S
            self._hear(self.attempt.requested())
            if self._rank.is_first and self._rank.size > 1 and (failed := self.attempt.word_left()):
                self._pass_on(failed)
            at = self._at
            if not same(at, known):
                known, since = at, time.monotonic()
            if self._rank.is_first:
                with contextlib.suppress(OSError):
                    self._tell(at if time.monotonic() - since >= STRETCH_S else None)
            time.sleep(POLL_S)

    def _pass_on(self, failed: Failed) -> None:
        if self._failed_elsewhere:
            self._failed_elsewhere(failed)

    def _tell(self, stretch: Stretch | None) -> None:
        """One file, replaced once a second at most; there is none while everything is quick."""
        waits = same(stretch, self._written) and time.monotonic() - self._written_at < STRETCH_S
        if stretch == self._written or waits:
            return
        self.attempt.write_stretch(stretch)
        self._written, self._written_at = stretch, time.monotonic()

    def _hear(self, request: Request | None) -> None:
        if request is Request.CANCEL:
            self._pause.clear()
            self._stop.set()
        elif request is Request.PAUSE and not self.stop_requested:
            self._pause.set()
            self._stop.set()


def same(one: Stretch | None, other: Stretch | None) -> bool:
    """The same piece of work, however far it is."""
    return (one and (one.name, one.step)) == (other and (other.name, other.step))
