"""The engine: SQLite in WAL mode, one writer at a time, schema steps by alembic."""

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, create_engine

MIGRATIONS = Path(__file__).with_name("migrations")


#: The second is what a full disk does to the index of the write-ahead log.
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


class NewerSchema(Exception):
    """The database was written by a newer Tunesmith."""


class MigrationFailed(Exception):
    """A schema step could not be done; the text is SQLite's. Nothing has changed."""


class Reserve(Protocol):
    """Room on the disk that is held back for the database, and the words for when nothing could be written."""

    def ensure_room(self) -> None:
        """Called before every transaction that writes."""

    def refusal(self) -> Exception:
        """What to raise when the disk was full all the same."""

    def held_by_another(self, path: Path) -> Exception:
        """What to raise when another program has kept the database to itself for longer than we wait."""


class Database:
    """Sessions on one SQLite file. Rows outlive their session (`expire_on_commit=False`)."""

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self.path = path
        self._reserve = reserve
        self._engine = _engine(path)
        # A deferred read-then-write upgrade fails at once, whatever busy_timeout says; and SQLite before 3.51.3 can
        # corrupt a WAL that two connections write. So: one writer at a time, and BEGIN IMMEDIATE.
        self._writer = threading.Lock()

    def is_current(self) -> bool:
        """Whether the schema is this version's. Raises NewerSchema where it is a later one's."""
        with self._engine.connect() as connection:
            return self._revision(connection) == _steps().get_current_head()

    def migrate(
        self,
        before_change: Callable[[str], None] | None = None,
        at_statement: Callable[[int], None] | None = None,
    ) -> None:
        """Bring the schema to this version, in one transaction. Raises NewerSchema rather than touching a newer one.

        `before_change(revision)` is called first, and only where a schema exists and will change;
        `at_statement(number)` before each statement of the steps. Raises MigrationFailed where one cannot be done.
        """
        with self._writer, self._room(), self._engine.connect() as connection:
            current = self._revision(connection)
            if current == _steps().get_current_head():
                return
            if current is not None and before_change is not None:
                before_change(current)
            if at_statement is not None:
                _count_statements(connection, at_statement)
            config = _config()
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except DBAPIError as error:
                if _is_full(error):
                    raise
                raise MigrationFailed(str(error.orig)) from error

    def _revision(self, connection: Connection) -> str | None:
        current = alembic.runtime.migration.MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        if current is not None and current not in {step.revision for step in _steps().walk_revisions()}:
            raise NewerSchema(current)
        return current

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        A full disk is met before it begins, where it can still be helped: SQLite rolls a transaction back that it
        cannot commit, so it could not be tried again from here.
        """
        with self._writer, self._room(), Session(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options={"immediate": True})
            yield session
            session.commit()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _room(self) -> Iterator[None]:
        if self._reserve is None:
            yield
            return
        self._reserve.ensure_room()
        try:
            yield
        except OperationalError as error:
            if _is_full(error):
                raise self._reserve.refusal() from error
            if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise self._reserve.held_by_another(self.path) from error
            raise


def _is_full(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlite_errorcode", None) in _FULL


def _count_statements(connection: Connection, at_statement: Callable[[int], None]) -> None:
    numbers = itertools.count(1)

    @event.listens_for(connection, "before_cursor_execute")
    def count(*_execution: object) -> None:
        at_statement(next(numbers))


def _config() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _steps() -> alembic.script.ScriptDirectory:
    return alembic.script.ScriptDirectory.from_config(_config())


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=5000",
            "foreign_keys=ON",
            "mmap_size=0",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        options = connection.get_execution_options()  # type: ignore[attr-defined]
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")  # type: ignore[attr-defined]

    return engine
