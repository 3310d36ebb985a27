"""What a run has gone through, as lines that a person reads: started, evaluated, saved, warned, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.sentence import Sentence
from storage.events import Checkpoint, Event, Failed, Finished, Log, Metric, Phase, Warn
from storage.measures import LOSS, REWARD

#: Of a run that says more, the newest stay.
MOST_ENTRIES = 500

PHASES = {
    "loading": "Loads the model.",
    "tokenising": "Turns the examples into tokens.",
    "sampling": "Answers held-out prompts.",
    "rehearsing": "Tries the longest batch.",
    "exporting": "Writes the output.",
    "converting": "Converts the output.",
}
ENDS = {
    "completed": "Finished after step {step:,}.",
    "cancelled": "Cancelled after step {step:,}.",
    "paused": "Paused after step {step:,}.",
}


class Kind(StrEnum):
    STARTED = "started"
    PHASE = "phase"
    EVALUATED = "evaluated"
    SAVED = "saved"
    WARNED = "warned"
    NOTED = "noted"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    kind: Kind
    text: str


def entry_of(event: Event, before: Phase | None, attempt: int) -> Entry | None:
    """None for what is no news: a step's measurement, or a phase that goes on. `before` is the attempt's last phase."""
    match event:
        case Phase():
            return None if before and before.name == event.name else _phase(event, attempt, is_first=before is None)
        case Metric():
            return _evaluation(event)
        case Checkpoint():
            size = f"{event.bytes / 1024**2:.1f} MB"
            return Entry(
                event.at, Kind.SAVED, Sentence("Checkpoint of step {step:,} saved, {size}.", step=event.step, size=size)
            )
        case Warn():
            return Entry(event.at, Kind.WARNED, event.message)
        case Log():
            return Entry(event.at, Kind.NOTED, event.message)
        case Finished():
            return Entry(event.at, Kind.ENDED, Sentence(ENDS[event.outcome], step=event.step))
        case Failed():
            return Entry(event.at, Kind.FAILED, event.message)
    return None


def _phase(phase: Phase, attempt: int, *, is_first: bool) -> Entry:
    """An attempt begins with its first phase."""
    if is_first:
        words = Sentence("Started again, attempt {attempt}.", attempt=attempt) if attempt > 1 else Sentence("Started.")
        return Entry(phase.at, Kind.STARTED, words)
    if phase.name != "training":
        return Entry(phase.at, Kind.PHASE, Sentence(PHASES[phase.name]))
    if phase.done:
        goes_on = "Goes on after step {step:,}: {total:,} steps in all."
        return Entry(phase.at, Kind.PHASE, Sentence(goes_on, step=phase.done, total=phase.total))
    begins = "Trains: {count:,} step in all. | Trains: {count:,} steps in all."
    return Entry(phase.at, Kind.PHASE, Sentence(begins, count=phase.total))


def is_evaluation(values: Mapping[str, float | None]) -> bool:
    """Quick to say no: a run may have a million measurements."""
    return LOSS.key in values or REWARD.key in values


def _evaluation(metric: Metric) -> Entry | None:
    if not is_evaluation(metric.values):
        return None
    told = [
        Sentence("{measure} {value:.4g}", measure=Sentence(measure.title), value=value)
        for measure in (LOSS, REWARD)
        if (value := metric.values.get(measure.key)) is not None
    ]
    if not told:
        return None
    both = "Evaluated after step {step:,}: {result}, {more}."
    said = both if len(told) > 1 else "Evaluated after step {step:,}: {result}."
    return Entry(metric.at, Kind.EVALUATED, Sentence(said, step=metric.step, result=told[0], more=told[-1]))
