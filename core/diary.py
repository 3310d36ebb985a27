"""What a run has gone through, as lines that a person reads: started, evaluated, saved, warned, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.events import Checkpoint, Event, Failed, Finished, Log, Metric, Phase, Warn
from storage.measures import LOSS, REWARD

#: Of a run that says more, the newest stay.
MOST_ENTRIES = 500

PHASES = {
    "loading": "Loads the model",
    "tokenising": "Turns the examples into tokens",
    "sampling": "Answers held-out prompts",
    "rehearsing": "Tries the longest batch",
    "exporting": "Writes the output",
    "converting": "Converts the output",
}
ENDS = {"completed": "Finished", "cancelled": "Cancelled", "paused": "Paused"}


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
            return Entry(event.at, Kind.SAVED, f"Checkpoint of step {event.step:,} saved, {size}.")
        case Warn():
            return Entry(event.at, Kind.WARNED, event.message)
        case Log():
            return Entry(event.at, Kind.NOTED, event.message)
        case Finished():
            return Entry(event.at, Kind.ENDED, f"{ENDS[event.outcome]} after step {event.step:,}.")
        case Failed():
            return Entry(event.at, Kind.FAILED, event.message)
    return None


def _phase(phase: Phase, attempt: int, *, is_first: bool) -> Entry:
    """An attempt begins with its first phase."""
    if is_first:
        words = "Started." if attempt == 1 else f"Started again, attempt {attempt}."
        return Entry(phase.at, Kind.STARTED, words)
    if phase.name != "training":
        return Entry(phase.at, Kind.PHASE, f"{PHASES[phase.name]}.")
    begins = f"Goes on after step {phase.done:,}" if phase.done else "Trains"
    return Entry(phase.at, Kind.PHASE, f"{begins}: {phase.total:,} steps in all.")


def is_evaluation(values: Mapping[str, float | None]) -> bool:
    """Quick to say no: a run may have a million measurements."""
    return LOSS.key in values or REWARD.key in values


def _evaluation(metric: Metric) -> Entry | None:
    if not is_evaluation(metric.values):
        return None
    told = [
        f"{measure.title} {value:.4g}"
        for measure in (LOSS, REWARD)
        if (value := metric.values.get(measure.key)) is not None
    ]
    if not told:
        return None
    return Entry(metric.at, Kind.EVALUATED, f"Evaluated after step {metric.step:,}: {', '.join(told)}.")
