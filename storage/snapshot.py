"""Whole copies of a database file, and whether one can be trusted. Standard library only; opens no session."""

import contextlib
import sqlite3
import uuid
from pathlib import Path

from storage.files import fsync_path

#: What lies beside a database in WAL mode and belongs to it.
SIDECARS = ("-wal", "-shm")


class Damaged(Exception):
    """A database file that cannot be trusted; the text says what SQLite found."""


def damage(path: Path, *, thorough: bool = False) -> str | None:
    """What `PRAGMA quick_check` finds wrong, in SQLite's words; None for a sound database.

    `thorough` also compares every row with every index (`PRAGMA integrity_check`).
    """
    check = "integrity_check" if thorough else "quick_check"
    try:
        with contextlib.closing(_open(path)) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(5)")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise  # somebody holds it: that says nothing about its pages
        return str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    # Quick_check puts a heading line before what it lists.
    return None if found == ["ok"] else "; ".join(" ".join(line.split()) for line in found)


def tables(path: Path) -> set[str]:
    """The names of the tables in a sound database."""
    with contextlib.closing(_open(path)) as connection:
        return {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def copy(source: Path, target: Path) -> None:
    """An online copy, one consistent moment of it however busy `source` is; checked before it gets its name.

    Raises Damaged, and then leaves nothing, where the copy does not pass quick_check.
    """
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        with contextlib.closing(_open(source)) as reading, contextlib.closing(sqlite3.connect(partial)) as writing:
            # All pages in one step: a reader's snapshot, so writers go on and the copy never starts over.
            reading.backup(writing)
            # One file, without sidecars that could be left behind when it is moved.
            writing.execute("PRAGMA journal_mode=DELETE")
        if found := damage(partial):
            raise Damaged(found)
        fsync_path(partial)
        partial.replace(target)
        fsync_path(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a database together with its sidecars."""
    # The log first: left behind, it would be replayed into the next database of that name.
    for suffix in (*SIDECARS, ""):
        with contextlib.suppress(FileNotFoundError):
            source.with_name(source.name + suffix).rename(target.with_name(target.name + suffix))
    fsync_path(source.parent)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)
    connection.execute("PRAGMA query_only=ON")
    return connection
