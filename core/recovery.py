"""The two ways back from a lost or damaged index. Both set the old file aside and never write into a run folder."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from core.backups import Backups
from core.errors import BadHome, NotFound
from core.home import Home
from core.index import Report, fill
from core.integrity import Integrity
from core.opening import held
from core.stamps import stamp
from storage import snapshot
from storage.database import Database, MigrationFailed, NewerSchema


@dataclass(frozen=True, slots=True)
class Recovered:
    report: Report
    #: The backup that was used; None where the index was made from the folders alone.
    source: Path | None
    #: Where the old index lies now; None where there was none.
    set_aside: Path | None


def restore(home: Home, file: Path | None = None, *, requeue: bool = False) -> Recovered:
    """Put a backup in the index's place, then tell it what the run folders have done since."""
    home.prepare()
    with held(home):
        source = file or _newest(home)
        _require_ours(source)
        home.require_free(source.stat().st_size, "The restored index")
        partial = _partial(home)
        try:
            snapshot.copy(source, partial)
        except (snapshot.Damaged, sqlite3.Error) as error:
            raise BadHome(f"The backup {source} cannot be read ({error}). Choose another file.") from error
        return _install(home, partial, source, requeue=requeue)


def rebuild(home: Home) -> Recovered:
    """A new index from `datasets/*/dataset.json` and the run folders."""
    home.prepare()
    with held(home):
        return _install(home, _partial(home), None, requeue=False)


def _install(home: Home, partial: Path, source: Path | None, *, requeue: bool) -> Recovered:
    """Bring `partial` up to date where it stands; only a finished index takes the old one's place."""
    database = Database(partial)
    try:
        database.migrate()
        report = fill(database, home, requeue=requeue)
    except MigrationFailed as error:
        raise BadHome(
            f"The backup {source} could not be brought to this version ({error}). Choose an older file from "
            f"{home.backups}, or make a new index with `tunesmith rebuild-index`."
        ) from error
    except NewerSchema as error:
        raise BadHome(
            f"The backup {source} was written by a newer Tunesmith (schema {error}). Update Tunesmith, or choose an "
            f"older file from {home.backups}."
        ) from error
    finally:
        database.close()
    aside = home.database.with_name(f"{home.database.name}.damaged-{stamp()}") if home.database.exists() else None
    # Also where the file itself is gone: a log that it left would be replayed into the new one.
    snapshot.move(home.database, aside or home.database.with_name(f"{home.database.name}.damaged-{stamp()}"))
    snapshot.move(partial, home.database)
    Integrity(home).forget()
    return Recovered(report, source, aside)


def _newest(home: Home) -> Path:
    newest = Backups(home).newest_valid()
    if newest is None:
        raise NotFound(
            f"There is no sound backup in {home.backups}. Make a new index from the run folders with "
            "`tunesmith rebuild-index`, or name a file: tunesmith restore FILE."
        )
    return newest.path


def _require_ours(path: Path) -> None:
    if not path.is_file():
        raise NotFound(f"There is no file {path}. Choose a backup from the folder backups/, or leave the name out.")
    if found := snapshot.damage(path):
        raise BadHome(f"The backup {path} is damaged itself ({found[:300]}). Choose another file.")
    if not {"alembic_version", "job"} <= snapshot.tables(path):
        raise BadHome(f"{path} is not an index of Tunesmith: it has no table of jobs. Choose another file.")


def _partial(home: Home) -> Path:
    return home.path / f".{home.database.name}.{stamp()}.partial"
