"""Imports that belong to no page: their progress, their end, and how they are stopped."""

import json
import threading
from pathlib import Path

import pytest

from core.datasets.arrivals import Arrival, Arrivals
from core.datasets.importing import Progress
from core.datasets.looking import convert_sample, look
from core.errors import BadInput
from core.formats.options import Mapping, ReadOptions
from core.people import Actor
from core.studio import Studio
from storage.rows import Kind
from storage.tables import Dataset

ALICE = Actor("Alice", "alice@example.org")


def ended(arrival: Arrival) -> Arrival:
    for thread in threading.enumerate():
        if thread.name == f"import {arrival.title}":
            thread.join(60)
    assert arrival.is_over
    return arrival


def test_an_import_ends_with_its_dataset(studio: Studio, examples: Path) -> None:
    def work(arrival: Arrival) -> Dataset:
        return studio.datasets.add(examples, actor=ALICE, on_progress=arrival.tell, on_start=arrival.hold)

    arrival = ended(studio.arrivals.begin("key", "greetings", work))
    assert studio.datasets.get(arrival.dataset_id).rows == 12
    assert arrival.progress.rows == 12
    assert studio.arrivals.find("key") is arrival


def test_a_refusal_is_its_sentence(examples: Path) -> None:
    def refuse(_: Arrival) -> Dataset:
        raise BadInput("There are 3 examples; at least 10 are required.")

    arrival = ended(Arrivals().begin("key", "few", refuse))
    assert (arrival.problem, arrival.dataset_id) == ("There are 3 examples; at least 10 are required.", "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # that is the point
def test_a_bug_does_not_leave_the_page_waiting() -> None:
    def stumble(_: Arrival) -> Dataset:
        raise ZeroDivisionError

    assert "ended unexpectedly" in ended(Arrivals().begin("key", "bug", stumble)).problem


def test_a_cancelled_import_keeps_nothing(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_text(json.dumps({"prompt": "Hello " * 50, "completion": "Hi"}) + "\n")
    path.write_bytes(path.read_bytes() * 200_000)
    started = threading.Event()

    def work(arrival: Arrival) -> Dataset:
        def tell(progress: Progress) -> None:
            arrival.tell(progress)
            started.set()

        return studio.datasets.add(path, actor=ALICE, on_progress=tell, on_start=arrival.hold)

    arrival = studio.arrivals.begin("key", "large", work)
    assert started.wait(60)
    arrival.cancel()
    assert ended(arrival).is_cancelled
    assert studio.datasets.all() == []
    assert list(studio.home.datasets.iterdir()) == []


def test_a_download_hears_that_it_should_stop() -> None:
    waiting = threading.Event()

    def work(arrival: Arrival) -> Dataset:
        while True:
            arrival.downloaded(1, 2)
            waiting.set()

    arrival = Arrivals().begin("key", "hub", work)
    assert waiting.wait(10)
    arrival.cancel()
    assert ended(arrival).is_cancelled


def test_one_key_is_imported_once_at_a_time() -> None:
    arrivals, go_on = Arrivals(), threading.Event()

    def work(arrival: Arrival) -> Dataset:
        go_on.wait(10)
        raise BadInput("enough")

    first = arrivals.begin("key", "same", work)
    assert arrivals.begin("key", "same", work) is first
    go_on.set()
    ended(first)
    assert arrivals.begin("key", "same", work) is not first


def test_a_look_at_a_file_comes_back_from_its_process_whole(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("frage;antwort;note\n" + "".join(f"Was ist {n}?;Eine Zahl;{n}\n" for n in range(20)))
    found = look(path)
    assert (found.delimiter, found.columns, found.confident) == (";", ["frage", "antwort", "note"], False)
    mapping = Mapping(roles={"frage": "prompt", "note": "item.note"})
    sample = convert_sample(found.samples[0], mapping)
    assert sample.content == {"messages": [{"role": "user", "content": "Was ist 0?"}], "item": {"note": "0"}}
    read_again = look(path, ReadOptions(mapping=mapping))
    assert (read_again.kind, read_again.samples[0].content) == (Kind.REINFORCEMENT, sample.content)


def test_broken_rows_are_shown_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "half\n')
    _, broken = look(path).samples
    assert broken.problem
    assert (broken.problem.code, broken.content) == ("not_json", {})
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(BadInput, match="PNG"):
        look(path)
