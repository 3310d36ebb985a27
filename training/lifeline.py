"""The trainer's second thread: shows that we live, and hears when we should stop."""

import signal
import sys
import threading
import time
from types import FrameType

from storage.run_folder import Attempt, Request

HEARTBEAT_S = 5.0
POLL_S = 0.25


class Stopped(Exception):
    """Somebody asked for the end of this attempt."""


class Lifeline:
    """One flag, set by `control.json` or by a signal; the work looks at it wherever it can stop."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._stop = threading.Event()
        self._pause = threading.Event()

    def start(self) -> None:
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
        while True:
            if time.monotonic() >= next_beat:
                self._attempt.heartbeat.touch()
                next_beat = time.monotonic() + HEARTBEAT_S
            self._hear(self._attempt.requested())
            time.sleep(POLL_S)

    def _hear(self, request: Request | None) -> None:
        if request is Request.CANCEL:
            self._pause.clear()
            self._stop.set()
        elif request is Request.PAUSE and not self.stop_requested:
            self._pause.set()
            self._stop.set()
