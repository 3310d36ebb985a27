"""The weekly look at every entry of the index, and folders on which no index is safe."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.doctor import Finding, examine
from core.errors import BadHome
from core.home import Home
from core.integrity import Integrity
from core.mounts import ALLOW_VARIABLE, network_filesystem
from core.nightly import Nightly
from core.people import Actor
from core.recovery import rebuild
from core.studio import Studio
from storage import snapshot
from storage.files import write_json
from storage.spec import JobSpec

ALICE = Actor("Alice", "alice@example.org")


def about_the_index(home: Home) -> list[Finding]:
    return [finding for finding in examine(home) if "ndex" in finding.what]


def lose_an_index_entry(database: Path) -> None:
    """Damage that no look at the pages alone finds: a row has changed while one index looked away."""
    blind = " WHERE objective = 'nothing'"
    define(database, "sql || ?", blind)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE job SET created_at = '2020-01-01 00:00:00.000000'")
        connection.commit()
    define(database, "replace(sql, ?, '')", blind)


def define(database: Path, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(f"UPDATE sqlite_master SET sql = {sql} WHERE name = 'ix_job_list'", values)
        connection.commit()


def test_the_weekly_check_finds_what_a_start_does_not_and_the_doctor_says_so(studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked, actor=ALICE)
    studio.close()
    home = studio.home
    (unchecked,) = about_the_index(home)
    assert (unchecked.verdict, "not been checked in full yet" in unchecked.what) == ("note", True)
    nightly = Nightly(home, studio.uploads)
    nightly.look()
    (sound,) = about_the_index(home)
    assert sound.what == f"The index is sound; it was last checked in full on {datetime.now(UTC):%Y-%m-%d}."

    lose_an_index_entry(home.database)
    assert snapshot.damage(home.database) is None
    nightly.look()
    assert about_the_index(home) == [sound]  # not due yet
    old = datetime.now(UTC) - timedelta(days=7, seconds=1)
    write_json(home.path / "integrity.json", {"at": old.isoformat(), "found": ""})
    nightly.look()
    (damaged,) = about_the_index(home)
    assert damaged.verdict == "problem"
    assert "missing from index ix_job_list" in damaged.what
    assert "tunesmith rebuild-index" in damaged.mend
    rebuild(home)
    assert about_the_index(home) == [unchecked]


@pytest.mark.parametrize(
    "record", ["", "{", '{"at": "yesterday", "found": ""}', '{"at": "2999-01-01T00:00:00+00:00", "found": ""}']
)
def test_a_record_that_cannot_be_right_is_made_anew(studio: Studio, record: str) -> None:
    studio.close()
    (studio.home.path / "integrity.json").write_text(record)
    Nightly(studio.home, studio.uploads).look()
    last = Integrity(studio.home).last()
    assert last
    assert datetime.now(UTC) - last.at < timedelta(hours=1)


TABLE = """\
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:50 / /home rw,relatime shared:4 - nfs4 server:/home rw
23 22 8:2 / /home/local\\040disk rw - xfs /dev/sdb1 rw
24 21 0:51 / /mnt/c rw - 9p C:\\ rw
25 21 8:3 / /data rw - ext4 /dev/sdc1 rw
26 21 0:52 / /data rw - cifs //server/share rw
nonsense
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/tunesmith", ""),
        ("/home/ann/.local/share/tunesmith", "nfs4"),
        ("/homes/ann", ""),
        ("/home/local disk/tunesmith", ""),
        ("/mnt/c/tunesmith", "9p"),
        ("/data/tunesmith", "cifs"),
    ],
)
def test_the_innermost_mount_decides(tmp_path: Path, folder: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    assert network_filesystem(Path(folder), tmp_path / "mountinfo") == kind


def test_where_nobody_can_tell_nothing_is_refused(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "missing") == ""


@pytest.fixture
def far(tmp_path: Path) -> Home:
    (tmp_path / "mountinfo").write_text(f"21 1 0:50 / {tmp_path} rw - nfs4 server:/home rw\n")
    return Home(tmp_path / "home", mounts=tmp_path / "mountinfo")


def test_a_folder_on_the_network_is_refused_unless_asked_for(
    far: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BadHome, match=rf"network file system \(nfs4\).*--data-dir.*{ALLOW_VARIABLE}=1"):
        Studio(far).start()
    assert not far.database.exists()
    assert not far.is_served()
    assert ("problem", True) in [(each.verdict, "(nfs4)" in each.what) for each in examine(far)]
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    studio = Studio(far)
    studio.start()
    studio.stop()
    assert "network file system (nfs4)" in caplog.text
