"""What every piece of training work is handed: the run's folder, the way to tell, and the flag to stop."""

import time
from dataclasses import dataclass, field

from storage.event_log import EventWriter
from storage.events import Event, Phase
from storage.run_folder import RunFolder
from training.lifeline import Lifeline

PROGRESS_S = 0.5


@dataclass(slots=True)
class Workbench:
    run: RunFolder
    events: EventWriter
    lifeline: Lifeline
    #: Optimizer steps done so far; the last event carries it whatever ends the run.
    step: int = 0
    began: float = field(default_factory=time.monotonic)
    _last_progress: float = field(default=0.0, repr=False)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def check(self) -> None:
        """Raises Stopped when the run should end."""
        self.lifeline.check()

    def check_cancelled(self) -> None:
        """The same in the midst of something that a pause waits for."""
        if not self.lifeline.is_pause:
            self.lifeline.check()

    def progress(self, phase: Phase) -> None:
        """A phase's count, told twice a second at most and always when it is complete."""
        self.check()
        now = time.monotonic()
        if phase.done == phase.total or now - self._last_progress >= PROGRESS_S:
            self._last_progress = now
            self.emit(phase)
