"""An index that is damaged, gone, old or too new: it is said, run folders stay as they are, and there is a way back."""

import hashlib
import os
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from core.backups import KEPT, Backups
from core.errors import BadHome, NotFound, Taken
from core.home import Home
from core.nightly import Nightly
from core.people import Actor
from core.recovery import rebuild, restore
from core.studio import Studio
from storage import snapshot
from storage.event_log import EventWriter
from storage.events import Finished, Metric, Phase
from storage.files import write_json
from storage.manifest import seal
from storage.process import TOKEN_VARIABLE, ProcessIdentity
from storage.run_folder import Request
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import Job

ALICE = Actor("Alice", "alice@example.org")
PAGE_BYTES = 4096


def damage_page_two(home: Home) -> None:
    with home.database.open("r+b") as file:
        file.seek(PAGE_BYTES)
        file.write(b"\xff" * 100)


def bytes_of_runs(home: Home) -> dict[str, str]:
    files = (path for path in home.runs.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def started(studio: Studio, asked: JobSpec, job_id: str) -> Job:
    """A job whose first attempt was claimed, and said a few things."""
    studio.runs.submit(asked.model_copy(update={"job_id": job_id, "display_name": f"The {job_id}"}), actor=ALICE)
    claimed = studio.runs.claim_next()
    assert claimed
    attempt = studio.runs.folder(job_id).attempt(1)
    attempt.claim(claimed.token)
    events = EventWriter(attempt.events)
    events.append(Phase(name="training", total=4))
    events.append(Metric(step=3, epoch=0.75, values={"loss": 1.5}))
    events.close()
    return claimed


def completed(studio: Studio, asked: JobSpec, job_id: str) -> Job:
    job = started(studio, asked, job_id)
    folder = studio.runs.folder(job_id)
    partial = folder.path / "output.partial"
    partial.mkdir()
    (partial / "adapter.bin").write_bytes(b"weights")
    seal(partial, folder.output)
    with (folder.attempt(1).events).open("a") as file:
        file.write(Finished(seq=2, outcome="completed", step=4).model_dump_json() + "\n")
    write_json(folder.attempt(1).path / "exit.json", {"returncode": 0, "signal": None, "token": job.token})
    studio.runs.move(job, Status.COMPLETED)
    return studio.runs.get(job_id)


def reopened(home: Home) -> Studio:
    studio = Studio(home)
    studio.open()
    return studio


def test_a_damaged_index_is_refused_with_the_two_ways_back(studio: Studio, asked: JobSpec) -> None:
    completed(studio, asked, "done-1")
    studio.close()
    before = bytes_of_runs(studio.home)
    damage_page_two(studio.home)
    for command in (Studio(studio.home).open, Studio(studio.home).start):
        with pytest.raises(BadHome, match=r"is damaged .*`tunesmith restore`.*`tunesmith rebuild-index`"):
            command()
    assert bytes_of_runs(studio.home) == before
    assert not studio.home.is_served()


def test_restore_brings_the_newest_backup_back_and_leaves_run_folders_alone(studio: Studio, asked: JobSpec) -> None:
    completed(studio, asked, "before-1")
    Backups(studio.home).take("manual")
    completed(studio, asked, "after-1")
    studio.close()
    before = bytes_of_runs(studio.home)
    damage_page_two(studio.home)
    done = restore(studio.home)
    assert done.set_aside
    assert done.set_aside.name.startswith("tunesmith.db.damaged-")
    assert done.set_aside.exists()
    assert bytes_of_runs(studio.home) == before
    again = reopened(studio.home)
    assert again.runs.get("before-1").created_by_name == "Alice"
    assert again.runs.get("after-1").status is Status.COMPLETED
    again.close()


def test_what_ended_after_the_backup_is_not_trained_again(studio: Studio, asked: JobSpec) -> None:
    for job_id in ("late-1", "waits-1"):
        studio.runs.submit(asked.model_copy(update={"job_id": job_id}), actor=ALICE)
    Backups(studio.home).take("manual")
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.folder("late-1").attempt(1).claim(claimed.token)
    studio.close()
    restore(studio.home)
    again = reopened(studio.home)
    assert again.runs.get("late-1").status is Status.PAUSED
    assert again.runs.get("waits-1").status is Status.PAUSED
    again.close()
    restore(studio.home, Backups(studio.home).newest_first()[0].path, requeue=True)
    again = reopened(studio.home)
    assert again.runs.get("waits-1").status is Status.QUEUED
    again.close()


def test_a_deleted_index_is_missed_and_made_again(studio: Studio, asked: JobSpec) -> None:
    old = completed(studio, asked, "done-1")
    started(studio, asked, "lost-1")
    studio.runs.submit(asked.model_copy(update={"job_id": "waits-1"}), actor=ALICE)
    studio.close()
    for path in studio.home.path.glob("tunesmith.db*"):
        path.unlink()
    with pytest.raises(BadHome, match="is missing, but there are runs"):
        Studio(studio.home).open()
    (studio.home.runs / "torn").mkdir()
    (studio.home.runs / "torn" / "spec.json").write_text("{")
    done = rebuild(studio.home)
    assert (done.report.jobs, done.report.datasets, len(done.report.skipped)) == (3, 1, 1)
    again = reopened(studio.home)
    new = again.runs.get("done-1")
    same = ("status", "display_name", "output_name", "dataset_name", "created_at", "created_by_email", "attempt")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert (new.step, new.loss) == (3, 1.5)
    assert again.runs.get("lost-1").status is Status.PAUSED
    assert again.runs.get("waits-1").status is Status.PAUSED
    assert again.datasets.get(asked.dataset).name == "greetings"
    again.close()


@pytest.mark.parametrize(("request_made", "status"), [(None, Status.RUNNING), (Request.CANCEL, Status.CANCELLING)])
def test_a_live_trainer_stays_live_with_its_token(
    studio: Studio, asked: JobSpec, request_made: Request | None, status: Status
) -> None:
    job = started(studio, asked, "live-1")
    attempt = studio.runs.folder("live-1").attempt(1)
    trainer = subprocess.Popen(["sleep", "60"], env={**os.environ, TOKEN_VARIABLE: job.token})
    try:
        identity = ProcessIdentity.of(trainer.pid, job.token).to_json()
        write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})
        if request_made:
            attempt.request(request_made)
        studio.close()
        assert rebuild(studio.home).report.live == 1
        again = reopened(studio.home)
        row = again.runs.get("live-1")
        assert (row.status, row.token, row.attempt) == (status, job.token, 1)
        assert again.runs.note(job, loss=1.0)
        again.close()
    finally:
        trainer.kill()
        trainer.wait()


def test_a_served_folder_is_neither_restored_nor_rebuilt(studio: Studio) -> None:
    Backups(studio.home).take("manual")
    lock = studio.home.lock("http://127.0.0.1:1234")
    for way in (restore, rebuild):
        with pytest.raises(Taken, match="already served by process"):
            way(studio.home)
    lock.release()


def test_what_is_no_sound_backup_is_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no sound backup"):
        restore(studio.home)
    with pytest.raises(NotFound, match="There is no file"):
        restore(studio.home, tmp_path / "missing.db")
    (tmp_path / "text.db").write_text("not a database at all" * 100)
    with pytest.raises(BadHome, match="is damaged itself"):
        restore(studio.home, tmp_path / "text.db")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(BadHome, match="is not an index of Tunesmith"):
        restore(studio.home, tmp_path / "empty.db")
    assert snapshot.damage(studio.home.database) is None


def test_an_old_schema_is_backed_up_and_brought_along(home: Home) -> None:
    make_old(home)
    studio = reopened(home)
    assert studio.runs.get("old-1").display_name == "From before"
    (backup,) = Backups(home).newest_first()
    assert backup.reason == "before-upgrade-from-0002"
    assert "job_search" not in snapshot.tables(backup.path)
    studio.close()
    reopened(home).close()
    assert len(Backups(home).newest_first()) == 1


def test_a_newer_schema_is_refused_and_untouched(studio: Studio) -> None:
    studio.close()
    connection = sqlite3.connect(studio.home.database)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = studio.home.database.read_bytes()
    with pytest.raises(BadHome, match="written by a newer Tunesmith"):
        Studio(studio.home).open()
    assert studio.home.database.read_bytes() == before
    assert Backups(studio.home).newest_first() == []


def test_a_backup_during_writes_is_whole(studio: Studio) -> None:
    stop = threading.Event()
    busy = threading.Barrier(2)

    def write() -> None:
        busy.wait()
        number = 0
        while not stop.is_set():
            studio.drafts.save(f"draft-{number % 50}", {"text": "x" * 2000, "number": number})
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    busy.wait()
    paths = [Backups(studio.home).take("manual") for _ in range(5)]
    stop.set()
    writer.join()
    for path in paths:
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    assert [path for path in studio.home.backups.iterdir() if path not in paths] == []


def test_the_newest_seven_are_kept_and_the_day_has_one(studio: Studio) -> None:
    backups = Backups(studio.home)
    for _ in range(KEPT + 2):
        backups.take("manual")
    assert len(backups.newest_first()) == KEPT
    nightly = Nightly(studio.home, studio.uploads)
    for _ in range(3):
        nightly.look()
    assert [backup.reason for backup in backups.newest_first()].count("nightly") == 1


def test_a_damaged_backup_is_passed_over(studio: Studio) -> None:
    backups = Backups(studio.home)
    good, bad = backups.take("manual"), backups.take("manual")
    bad.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    newest = backups.newest_valid()
    assert newest
    assert newest.path == good


NEW_IN_0005 = (
    "family", "version", "parent_id", "made_by", "description", "tags", "visibility", "kind", "source_name",
    "errors", "warnings", "created_by_email",
)  # fmt: skip


def make_old(home: Home) -> None:
    """An index as version 0002 left it, with one job."""
    studio = reopened(home)
    studio.close()
    connection = sqlite3.connect(home.database)
    row = {
        "id": "old-1", "objective": "sft", "method": "lora", "display_name": "From before", "output_name": "ft-1",
        "model_id": "m", "model_name": "M", "dataset_id": "d", "dataset_name": "D", "created_by_name": "A",
        "created_by_email": "a@b", "created_at": "2026-01-01 00:00:00.000000", "status": "completed", "attempt": 1,
        "token": "", "cancel_requested": 0, "stage": "", "message": "", "evidence": "", "epochs": 1, "epoch": 1.0,
        "step": 1, "total_steps": 1,
    }  # fmt: skip
    for statement in (
        *(f"DROP TRIGGER job_search_{when}" for when in ("insert", "update", "delete")),
        "DROP TABLE job_search",
        *(f"DROP INDEX ix_job_{name}" for name in ("list", "list_by_status", "queue")),
        *(f"CREATE INDEX ix_job_{name} ON job ({name})" for name in ("objective", "created_at", "status")),
        "DROP TABLE lease",
        "ALTER TABLE job DROP COLUMN device",
        "ALTER TABLE job DROP COLUMN devices",
        "ALTER TABLE job DROP COLUMN memory_bytes",
        "DROP INDEX ix_dataset_family",
        *(f"ALTER TABLE dataset DROP COLUMN {name}" for name in NEW_IN_0005),
        "UPDATE alembic_version SET version_num = '0002'",
    ):
        connection.execute(statement)
    names = ", ".join(row)
    connection.execute(
        f"INSERT INTO job ({names}, pause_requested, held, priority, place, restarts, restarted_at_step, health) "
        f"VALUES ({', '.join('?' * len(row))}, 0, 0, 0, 0, 0, -1, '')",
        tuple(row.values()),
    )
    connection.commit()
    connection.close()
