"""The event file as a reader meets it: growing, torn at the end, now and then with a bad line."""

from pathlib import Path

import pytest

from storage.event_log import EventWriter, read_events
from storage.events import Failed, Log, Metric, Phase
from storage.status import Cause


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.append(Phase(name="training", total=3, epochs=1))
    for step in range(3):
        writer.append(Metric(step=step, epoch=step / 3, values={"loss": 2.5 - step}))
    writer.append(Failed(cause=Cause.NAN_LOSS, message="Äußerst schlecht.", evidence="loss=nan"))
    writer.close()
    return path


def test_what_was_written_is_read_in_order(log: Path) -> None:
    batch = read_events(log)
    assert [event.seq for event in batch.events] == [0, 1, 2, 3, 4]
    assert isinstance(batch.events[-1], Failed)
    assert read_events(log, batch.offset).events == ()


def test_cut_anywhere_every_event_arrives_once(log: Path) -> None:
    whole = log.read_bytes()
    for cut in range(len(whole) + 1):
        log.write_bytes(whole[:cut])
        first = read_events(log)
        log.write_bytes(whole)
        second = read_events(log, first.offset)
        assert [event.seq for event in (*first.events, *second.events)] == [0, 1, 2, 3, 4]
        assert first.bad_lines == second.bad_lines == 0


def test_a_bad_line_is_counted_and_skipped(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + b'{"type": "metric", "step": \n' + b"\x00\xff\n" + lines[1])
    batch = read_events(log)
    assert len(batch.events) == 2
    assert batch.bad_lines == 2


def test_nan_is_stored_as_null(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "e.jsonl")
    writer.append(Metric(step=1, epoch=0, values={"loss": float("nan"), "grad_norm": float("inf")}))
    writer.append(Log(message="line\nbreak"))
    writer.close()
    assert "NaN" not in (tmp_path / "e.jsonl").read_text()
    metric = read_events(tmp_path / "e.jsonl").events[0]
    assert isinstance(metric, Metric)
    assert metric.values == {"loss": None, "grad_norm": None}


def test_no_file_yet_is_no_news(tmp_path: Path) -> None:
    assert read_events(tmp_path / "none.jsonl", 7).offset == 7


def test_a_long_file_is_read_in_pieces_without_losing_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    for step in range(50):
        writer.append(Metric(step=step, epoch=0, values={"loss": 1.0}))
    with path.open("ab") as file:
        file.write(b'{"type": "metr')  # not there yet
    offset, steps, pieces = 0, [], 0
    while (batch := read_events(path, offset, most_bytes=300)).offset > offset:
        offset, pieces = batch.offset, pieces + 1
        steps += [event.step for event in batch.events if isinstance(event, Metric)]
    assert steps == list(range(50))
    assert pieces > 10
