"""`python -m training.mirror`: reads a run's events beside the trainer and tells them to one tracker.

A process of its own, started by the studio: whatever a tracker does (hang, leak, fail, wait for a network), the trainer
does not notice. Request and answer are JSON lines; a key comes in with the request and is nowhere else.
"""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from storage.child_process import Json, Teller, answer
from storage.event_log import read_events
from storage.events import Event, Failed, Finished, Metric
from storage.run_folder import Attempt, RunFolder
from storage.trackers import MirrorState, Tracker, TrackerSettings
from training.tracker_sinks import Sink, Unsendable, open_sink

LOOK_EVERY_S = 1.0
#: Characters of a tracker's own words that are passed on.
LONGEST_WORD = 400


class Mirror:
    """`number` is the attempt to wait for; what earlier ones have left untold is told first."""

    def __init__(self, run: RunFolder, number: int, tracker: Tracker, settings: TrackerSettings, secret: str) -> None:
        self._run = run
        self._number = number
        self._tracker = tracker
        self._state = MirrorState.read(run.path, tracker) or MirrorState()
        self._state = self._state.model_copy(update={"state": "sending", "message": ""})
        self._state.write(run.path, tracker)
        self._sink: Sink = open_sink(tracker, run.spec(), run.path, settings, secret, self._state.run_id)
        self._keep(run_id=self._sink.run_id)

    def follow(self) -> None:
        """Until the newest attempt has ended and everything that it said has been told."""
        while True:
            has_ended = self._run.attempt(self._number).exit() is not None  # before reading: nothing more will come
            last: Event | None = None
            for attempt in self._unread():
                last = self._tell(attempt) or last
            if has_ended:
                self._sink.close(outcome(last))
                self._keep(state="done", message=self._sink.note)
                return
            time.sleep(LOOK_EVERY_S)

    def _unread(self) -> Iterator[Attempt]:
        return (attempt for attempt in self._run.attempts() if attempt.number >= self._state.attempt)

    def _tell(self, attempt: Attempt) -> Event | None:
        offset = self._state.offset if attempt.number == self._state.attempt else 0
        batch = read_events(attempt.events, offset, most_bytes=-1)
        for event in batch.events:
            if isinstance(event, Metric):
                values = {named(name): value for name, value in event.values.items() if value is not None}
                self._sink.log(event.step, event.at.timestamp(), values)
        if batch.offset != offset or attempt.number != self._state.attempt:
            self._sink.flush()
            self._keep(attempt=attempt.number, offset=batch.offset)
        return batch.events[-1] if batch.events else None

    def _keep(self, **values: object) -> None:
        self._state = self._state.model_copy(update=values)
        self._state.write(self._run.path, self._tracker)


def outcome(last: Event | None) -> str:
    if isinstance(last, Failed):
        return "failed"
    return last.outcome if isinstance(last, Finished) else "cancelled"


def named(metric: str) -> str:
    """As the field writes them: train/loss, eval/loss."""
    return f"eval/{metric.removeprefix('eval_')}" if metric.startswith("eval_") else f"train/{metric}"


def work(request: Json, _: Teller) -> Json:
    tracker, secret = Tracker(request["tracker"]), str(request.get("secret", ""))
    run = RunFolder(Path(request["run"]))
    try:
        settings = TrackerSettings(**request["settings"])
        Mirror(run, int(request["attempt"]), tracker, settings, secret).follow()
    except Exception as error:  # the process edge: a tracker may raise whatever it likes
        logging.getLogger(__name__).exception("%s is not told any more.", tracker)
        said = (str(error).strip() or type(error).__name__).partition("\n")[0][:LONGEST_WORD]
        said = said.replace(secret, "…") if secret else said
        state = MirrorState.read(run.path, tracker) or MirrorState()
        state.model_copy(update={"state": "failed", "message": said}).write(run.path, tracker)
        raise Unsendable(said) from None
    return {}


if __name__ == "__main__":
    sys.exit(answer(work, refusals=(Unsendable,)))
