"""Data folders as old versions left them open with this one, and a schema step that cannot be done changes nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zoo

from core.backups import KEPT, Backups
from core.errors import BadHome
from core.home import Home
from core.recovery import rebuild
from core.studio import Studio
from storage.database import MIGRATIONS
from storage.jobs import Query
from storage.status import Cause, Status


def test_every_revision_has_its_entry() -> None:
    written = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py")}
    missing = sorted(written - set(zoo.revisions()))
    assert missing == [], f"tests/unit/zoo lacks {missing}: run `python tests/zoo.py` while the revision is the newest"


@pytest.mark.parametrize("revision", zoo.revisions())
def test_an_old_folder_opens_and_shows_its_jobs(revision: str, home: Home) -> None:
    zoo.restore(revision, home.path)
    studio = Studio(home)
    studio.open()
    assert {job.id: job.status.value for job in studio.runs.search(Query()).rows} == zoo.JOBS
    assert [job.id for job in studio.runs.search(Query(search="failed one")).rows] == ["failed-1"]
    assert {job.id for job in studio.runs.search(Query(status=Status.RUNNING)).rows} == {"running-1"}
    failed, waits = studio.runs.get("failed-1"), studio.runs.get("waits-1")
    assert (failed.cause, failed.loss, failed.step) == (Cause.OOM_GPU, 1.5, 3)
    assert (waits.held, waits.priority, waits.device) == (False, 0, "cpu")
    assert studio.people.profile().name == "Alice"
    assert studio.drafts.load("sft") == {"model": "tiny", "display_name": "Half typed"}
    assert [dataset.rows for dataset in studio.datasets.all()] == [150]
    assert studio.queue.hold("waits-1", actor=studio.people.actor()).held
    studio.close()


@pytest.mark.parametrize("revision", zoo.revisions())
def test_an_old_run_folder_is_still_read(revision: str, home: Home) -> None:
    zoo.restore(revision, home.path)
    home.database.unlink()
    assert rebuild(home).report.skipped == []
    studio = Studio(home)
    studio.open()
    job = studio.runs.get("done-1")
    assert (job.display_name, job.attempt, job.step, job.loss) == ("The completed one", 1, 3, 1.0)
    assert [point.step for point in studio.feed.history("done-1").series["loss"]] == [1, 2, 3]
    assert studio.runs.run_spec("done-1").asked.model == "tiny"
    studio.close()


@pytest.fixture
def stuck(home: Home) -> Home:
    """An index that cannot take the step to 0004: what it would make is there."""
    zoo.restore("0003", home.path)
    change(home, "CREATE TABLE lease (anything)")
    return home


def change(home: Home, statement: str) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_step_that_cannot_be_done_leaves_the_index_as_it_was(stuck: Home) -> None:
    before = list(zoo.dump(stuck.database))
    with pytest.raises(BadHome, match=r"could not be brought to this version \(table lease already exists\)"):
        Studio(stuck).open()
    assert list(zoo.dump(stuck.database)) == before
    change(stuck, "DROP TABLE lease")
    studio = Studio(stuck)
    studio.open()
    assert studio.runs.search(Query()).total == len(zoo.JOBS)
    studio.close()


def test_trying_again_and_again_does_not_push_other_backups_out(stuck: Home) -> None:
    kept = Backups(stuck).take("manual")
    for _ in range(KEPT + 1):
        with pytest.raises(BadHome):
            Studio(stuck).start()
    reasons = [backup.reason for backup in Backups(stuck).newest_first()]
    assert reasons == ["before-upgrade-from-0003", "manual"]
    assert kept.exists()
    assert not stuck.is_served()


def test_a_backup_that_cannot_be_brought_along_is_named(stuck: Home, tmp_path: Path) -> None:
    from core.recovery import restore

    before = list(zoo.dump(stuck.database))
    backup = Backups(stuck).take("manual")
    with pytest.raises(BadHome, match=rf"{backup.name} could not be brought to this version .*Choose an older file"):
        restore(stuck, backup)
    assert list(zoo.dump(stuck.database)) == before
