"""Deleting and tidying: only what is over goes, through the trash, and never what is pinned or alive."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.errors import Conflict, NotFound
from core.home import Home
from core.people import Actor
from core.studio import Studio
from core.sweep import QUIET_S
from core.trash import STAMP_LENGTH, Trash
from storage.files import write_json
from storage.manifest import seal
from storage.process import TOKEN_VARIABLE, ProcessIdentity
from storage.retention import PIN
from storage.run_folder import RunFolder
from storage.spec import JobSpec
from storage.status import Status

ALICE = Actor("Alice", "alice@example.org")
LONG_AGO = "20200101-000000-000000"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def checkpoint(folder: RunFolder, step: int) -> Path:
    partial = folder.checkpoints / "next.partial"
    partial.mkdir()
    (partial / "weights").write_bytes(b"w" * 1000)
    final = folder.checkpoints / f"step-{step:08d}"
    seal(partial, final)
    return final


def quiet(path: Path) -> Path:
    """As if nothing had been written there for longer than an hour."""
    then = time.time() - QUIET_S - 60
    for file in [*path.rglob("*"), path]:
        os.utime(file, (then, then))
    return path


def test_a_job_that_is_over_goes_to_the_trash(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked.model_copy(update={"job_id": "mine-1"}), actor=ALICE)
    with pytest.raises(Conflict, match="is queued, so it cannot be deleted"):
        studio.runs.delete(job.id, actor=ALICE)
    studio.runs.cancel(job.id, actor=ALICE)
    studio.runs.delete(job.id, actor=ALICE)
    with pytest.raises(NotFound):
        studio.runs.get(job.id)
    (kept,) = studio.home.trash.iterdir()
    assert kept.name[STAMP_LENGTH:] == "-mine-1"
    assert (kept / "spec.json").exists()
    assert studio.runs.submit(asked.model_copy(update={"job_id": "mine-1"}), actor=ALICE).status is Status.QUEUED


def test_a_folder_that_cannot_be_moved_keeps_its_row(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    studio.runs.cancel(job.id, actor=ALICE)
    studio.home.trash.rmdir()
    studio.home.trash.write_text("in the way")
    with pytest.raises(Conflict, match="cannot be moved"):
        studio.runs.delete(job.id, actor=ALICE)
    assert studio.runs.get(job.id).status is Status.CANCELLED
    assert studio.runs.run_spec(job.id).job_id == job.id


def test_a_new_run_of_a_deleted_id_starts_with_an_empty_history(studio: Studio, asked: JobSpec) -> None:
    named = asked.model_copy(update={"job_id": "again-1"})
    for _ in range(2):
        job = studio.runs.submit(named, actor=ALICE)
        assert studio.feed.history(job.id).attempt == 0
        (studio.runs.folder(job.id).path / "attempts" / "1").mkdir()
        assert studio.feed.history(job.id).attempt == 1
        studio.runs.cancel(job.id, actor=ALICE)
        studio.runs.delete(job.id, actor=ALICE)


def test_trash_is_emptied_after_a_week(home: Home) -> None:
    (home.trash / f"{LONG_AGO}-old").mkdir()
    (home.trash / f"{LONG_AGO}-old" / "file").write_bytes(b"12345")
    (home.runs / "young").mkdir()
    Trash(home).take(home.runs / "young")
    assert Trash(home).empty() == 5
    (left,) = home.trash.iterdir()
    assert left.name.endswith("-young")


def test_gc_says_first_and_removes_then(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    folder = studio.runs.folder(job.id)
    checkpoints = [checkpoint(folder, step) for step in (1, 2, 3, 4)]
    (checkpoints[0] / PIN).touch()
    (folder.checkpoints / "work.partial").mkdir()
    quiet(folder.checkpoints / "work.partial")
    fresh = studio.home.datasets / ".now.partial"
    fresh.mkdir()
    lost = studio.home.datasets / "ds-lost"
    lost.mkdir()
    quiet(lost)
    said = run("gc", "--dry-run", "--data-dir", studio.home.path).output
    assert all(path.exists() for path in (*checkpoints, fresh, lost))
    for name in ("step-00000002", "work.partial", "ds-lost"):
        assert name in said
    assert "would be freed" in said
    done = run("gc", "--data-dir", studio.home.path).output
    assert "step-00000002  1," in done
    assert [path.exists() for path in checkpoints] == [True, False, True, True]
    assert [path.exists() for path in (fresh, lost, folder.checkpoints / "work.partial")] == [True, False, False]
    assert studio.datasets.get(asked.dataset)
    assert list(studio.home.trash.iterdir()) == []
    assert run("gc", "--data-dir", studio.home.path).output == "0 bytes are freed.\n"


def test_gc_leaves_a_live_job_alone_whatever_the_index_says(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    folder = studio.runs.folder(job.id)
    kept = [checkpoint(folder, step) for step in (1, 2, 3)]
    attempt = folder.attempt(1)
    attempt.claim("f" * 32)
    trainer = subprocess.Popen(["sleep", "60"], env={**os.environ, TOKEN_VARIABLE: "f" * 32})
    try:
        identity = ProcessIdentity.of(trainer.pid, "f" * 32).to_json()
        write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})
        run("gc", "--data-dir", studio.home.path)
        assert all(path.exists() for path in kept)
    finally:
        trainer.kill()
        trainer.wait()


def test_the_commands_of_the_index(studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked, actor=ALICE)
    folder = studio.home.path
    assert "The index is backed up in" in run("backup", "--data-dir", folder).output
    studio.close()
    assert "1 jobs (0 running now)" in run("restore", "--data-dir", folder).output
    assert "The index is made from the folders: 1 jobs" in run("rebuild-index", "--data-dir", folder).output
    lock = studio.home.lock("http://127.0.0.1:1234")
    for command in ("restore", "rebuild-index"):
        result = run(command, "--data-dir", folder)
        assert result.exit_code == 65
        assert "already served by process" in result.stderr
    lock.release()


def test_gc_takes_what_no_worker_has_read_for_a_month(studio: Studio) -> None:
    studio.home.served.mkdir(parents=True)
    for name, days in (("base-old.gguf", 31), ("base-new.gguf", 29)):
        path = studio.home.served / name
        path.write_bytes(b"w" * 1000)
        os.utime(path, (time.time() - days * 24 * 3600,) * 2)
    assert "no worker has read" in run("gc", "--data-dir", studio.home.path).output
    assert [path.name for path in studio.home.served.iterdir()] == ["base-new.gguf"]
