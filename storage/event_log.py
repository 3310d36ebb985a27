"""The append-only event file: one writer, any number of readers that keep an offset."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from pydantic import ValidationError

from storage.events import EVENT, Event, Metric
from storage.lines import LineWriter


class EventWriter:
    """Appends events with a contiguous `seq`, from any thread."""

    def __init__(self, path: Path) -> None:
        self._lines = LineWriter(path)
        self._seq = 0
        self._lock = threading.Lock()

    def append(self, event: Event) -> None:
        with self._lock:
            stamped = event.model_copy(update={"seq": self._seq})
            self._lines.append(stamped.model_dump_json().encode())
            self._seq += 1

    def close(self) -> None:
        self._lines.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one read found: events, the offset to go on from, and how many lines could not be understood."""

    events: tuple[Event, ...]
    offset: int
    bad_lines: int = 0


class Measured(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A Metric as it is read in bulk, in a quarter of the time. Other lines have their own parser."""

    seq: int
    at: datetime
    type: Literal["metric"]
    step: int
    epoch: float
    values: dict[str, float | None]

    def metric(self) -> Metric:
        return Metric.model_validate(msgspec.structs.asdict(self))


#: So much of a file at once: a run of a million steps has hundreds of megabytes of events.
PIECE_BYTES = 4 * 1024 * 1024


def read_events(path: Path, offset: int = 0, most_bytes: int = PIECE_BYTES) -> Batch:
    """Events after `offset`, of `most_bytes` or a little more (-1: all). Read on while the batch's offset moves.

    A last line without newline is not there yet; a bad line is counted and skipped."""
    whole = _whole_lines(path, offset, most_bytes)
    events: list[Event] = []
    bad_lines = 0
    for line in whole.splitlines():
        try:
            events.append(EVENT.validate_json(line))
        except ValidationError:
            bad_lines += 1
    return Batch(events=tuple(events), offset=offset + len(whole), bad_lines=bad_lines)


def read_past(path: Path, offset: int = 0) -> tuple[list[Event | Measured], int]:
    """The same of one piece of a long file, measurements in their quick form; the offset to go on from."""
    whole = _whole_lines(path, offset, PIECE_BYTES)
    past: list[Event | Measured] = []
    for line in whole.splitlines():
        try:
            past.append(_MEASURED.decode(line))
        except msgspec.MsgspecError:
            with suppress(ValidationError):
                past.append(EVENT.validate_json(line))
    return past, offset + len(whole)


def _whole_lines(path: Path, offset: int, most_bytes: int) -> bytes:
    """Empty where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(most_bytes)
            data += b"" if data.endswith(b"\n") else file.readline()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


_MEASURED = msgspec.json.Decoder(Measured)
