"""Before the first query: is the index there, is it sound, is it of this version. Never touches a run folder."""

import contextlib
import sqlite3
from collections.abc import Iterator

from core import mounts
from core.backups import Backups
from core.crashpoints import reach
from core.errors import BadHome
from core.home import Home
from storage import snapshot
from storage.database import Database, MigrationFailed, NewerSchema

WAYS_BACK = (
    "Bring the newest backup back with `tunesmith restore`, or make a new index from the run folders with "
    "`tunesmith rebuild-index`. The run folders themselves are untouched."
)


def make_ready(database: Database, home: Home, *, locked: bool) -> None:
    """Bring the index to this version, with a backup first where it changes. Raises BadHome with what to do."""
    _require_local(home)
    _require_index(home)
    _require_sound(home)
    try:
        if database.is_current():
            return
        with contextlib.nullcontext() if locked else held(home):
            database.migrate(
                before_change=lambda revision: _back_up(home, revision),
                at_statement=lambda number: reach("migrate: statement", number),
            )
            reach("migrate: committed")
    except MigrationFailed as error:
        raise BadHome(
            f"The index {home.database} could not be brought to this version ({error}), so it was left as it was; a "
            f"copy lies in {home.backups} too. Go back to the version that you came from, or make a new index from the "
            "run folders with `tunesmith rebuild-index`."
        ) from error
    except NewerSchema as error:
        raise BadHome(
            f"The data folder {home.path} was written by a newer Tunesmith (schema {error}). "
            "Update Tunesmith, or choose another folder with --data-dir."
        ) from error


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """The folder for this process alone. Raises BadHome where it is served."""
    lock = home.lock("")
    try:
        yield
    finally:
        lock.release()


def _require_local(home: Home) -> None:
    if (kind := home.network_filesystem()) and not mounts.is_allowed():
        raise BadHome(
            f"{on_network(home, kind)} Choose a folder on a local disk with --data-dir or TUNESMITH_HOME, or set "
            f"{mounts.ALLOW_VARIABLE}=1 to take the risk."
        )


def on_network(home: Home, kind: str) -> str:
    return (
        f"The data folder {home.path} lies on a network file system ({kind}): there neither SQLite's log nor the lock "
        "that keeps a second server away is safe, and the index can be damaged."
    )


def _require_index(home: Home) -> None:
    if not home.database.exists() and any(home.runs.glob("*/spec.json")):
        raise BadHome(f"The index {home.database} is missing, but there are runs in {home.runs}. {WAYS_BACK}")


def _require_sound(home: Home) -> None:
    try:
        found = snapshot.damage(home.database) if home.database.exists() else None
    except sqlite3.OperationalError as error:
        raise BadHome(
            f"The index {home.database} is held by another program ({error}). Close that program and try again."
        ) from error
    if found:
        raise BadHome(f"The index {home.database} is damaged ({found[:300]}). {WAYS_BACK}")


def _back_up(home: Home, revision: str) -> None:
    Backups(home).take_before_upgrade(revision)
    reach("migrate: backed up")
