"""What every piece of training work is handed: the run's folder, the way to tell, and the flag to stop."""

import threading
import time
from dataclasses import dataclass, field

from storage.event_log import EventWriter
from storage.events import Event, Failed, Finished, Phase
from storage.run_folder import Attempt, Request, RunFolder
from storage.status import Cause
from training.checkpoints import discard_unfinished
from training.lifeline import Lifeline
from training.process_group import Alone
from training.ranks import ALONE, Rank

PROGRESS_S = 0.5


@dataclass(slots=True)
class Workbench:
    """`events` is None in every process of the run but the first."""

    run: RunFolder
    events: EventWriter | None
    lifeline: Lifeline
    rank: Rank = ALONE
    group: Alone = field(default_factory=Alone)
    #: Optimizer steps done so far; the last event carries it whatever ends the run.
    step: int = 0
    #: What all processes have agreed on; the lifeline of each may have heard more since.
    asked: Request | None = None
    began: float = field(default_factory=time.monotonic)
    _last_progress: float = field(default=0.0, repr=False)
    _concluded: bool = field(default=False, repr=False)
    _last_word: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def attempt(self) -> Attempt:
        return self.lifeline.attempt

    def emit(self, event: Event) -> None:
        if self.events:
            self.events.append(event)

    def conclude(self, event: Finished | Failed) -> bool:
        """The last event. Two threads may want to write one; returns whether this was it."""
        with self._last_word:
            if self._concluded:
                return False
            self._concluded = True
            if isinstance(event, Failed) and event.cause is Cause.DISK_FULL:
                # Before the event: it needs room, too.
                discard_unfinished(self.run)
            self.emit(event)
            return True

    def close(self) -> None:
        if self.events:
            self.events.close()

    def listen(self) -> None:
        """Hear together what any process was asked. All of them call it at the same point of their work."""
        self.asked = self.group.agree(self.lifeline.asked)
        self.lifeline.adopt(self.asked)

    def check(self) -> None:
        """Raises Stopped when the run should end. The first process decides; the others end with it."""
        if self.rank.is_first:
            self.lifeline.check()

    def check_cancelled(self) -> None:
        """The same in the midst of something that a pause waits for."""
        if not self.lifeline.is_pause:
            self.check()

    def progress(self, phase: Phase) -> None:
        """A phase's count, told twice a second at most and always when it is complete."""
        self.check()
        now = time.monotonic()
        if phase.done == phase.total or now - self._last_progress >= PROGRESS_S:
            self._last_progress = now
            self.emit(phase)
