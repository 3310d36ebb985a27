"""Every measurement of a run as a table: a line an event, a column a metric, nothing thinned out."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from storage.run_folder import RunFolder

#: Lines told at once.
PIECE = 500
HEAD = ("attempt", "step", "epoch", "at")


def csv_pieces(folder: RunFolder, names: Sequence[str]) -> Iterator[str]:
    """Reads as it goes, so a long run needs no memory. Where an attempt repeats steps, both lines are there."""
    yield _lines([[*HEAD, *names]])
    waiting: list[list[object]] = []
    for row in _rows(folder, names):
        waiting.append(row)
        if len(waiting) == PIECE:
            yield _lines(waiting)
            waiting.clear()
    yield _lines(waiting)


def _rows(folder: RunFolder, names: Sequence[str]) -> Iterator[list[object]]:
    for attempt in folder.attempts():
        if not attempt.events.exists():
            continue
        with attempt.events.open("rb") as file:
            for line in file:
                if (event := _metric(line)) is not None:
                    values = event["values"]
                    told = [values.get(name) for name in names]
                    yield [attempt.number, event["step"], event["epoch"], event["at"], *told]


def _metric(line: bytes) -> dict[str, dict[str, object]] | None:
    """A line that is only half written, or says something else, is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_metric = isinstance(event, dict) and event.get("type") == "metric" and isinstance(event.get("values"), dict)
    return event if is_metric and {"step", "epoch", "at"} <= event.keys() else None


def _lines(rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
