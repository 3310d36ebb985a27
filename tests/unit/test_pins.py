"""Pinned jobs: how many there may be, what a deleted one leaves, and what lies on disk."""

from pathlib import Path

import pytest

from core.errors import Conflict, NotFound
from core.people import Actor
from core.pins import MOST
from core.studio import Studio
from storage.jobs import Query
from storage.spec import JobSpec

ALICE = Actor("Alice", "alice@example.org")


def test_pins_survive_a_new_index_and_a_damaged_file_is_no_pins(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    studio.pins.pin(job.id, actor=ALICE)
    studio.pins.pin(job.id, actor=ALICE)
    assert [pinned.id for pinned in studio.pins.found(Query())] == [job.id]
    path: Path = studio.home.path / "pins.json"
    path.write_text('{"jobs": 7}')
    assert studio.pins.found(Query()) == ()
    path.write_text("{")
    assert studio.pins.found(Query()) == ()


def test_one_too_many_is_refused_and_a_deleted_job_leaves_room(studio: Studio, asked: JobSpec) -> None:
    with pytest.raises(NotFound, match="no job “nobody”"):
        studio.pins.pin("nobody", actor=ALICE)
    ids = [studio.runs.submit(asked, actor=ALICE).id for _ in range(MOST + 1)]
    for job_id in ids[:-1]:
        studio.pins.pin(job_id, actor=ALICE)
    with pytest.raises(Conflict, match="20 jobs are pinned already"):
        studio.pins.pin(ids[-1], actor=ALICE)
    studio.runs.cancel(ids[0], actor=ALICE)
    studio.runs.delete(ids[0], actor=ALICE)
    studio.pins.pin(ids[-1], actor=ALICE)
    assert len(studio.pins.found(Query())) == MOST
