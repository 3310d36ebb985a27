"""Data folders as past versions left them: an index of every schema revision as an SQL dump, with its run folder.

They were written by the code of their time. A new revision gets its own, before the one after it comes:

    python tests/zoo.py
"""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "unit" / "zoo"
#: What stands in the zoo instead of the folder that it was made in.
SOMEWHERE = "/somewhere/tunesmith"
#: The jobs of every entry, and how far each has come.
JOBS = {
    "done-1": "completed",
    "failed-1": "failed",
    "cancelled-1": "cancelled",
    "running-1": "running",
    "waits-1": "queued",
}


def revisions() -> list[str]:
    """What is in the zoo, oldest first."""
    return sorted(path.name for path in FOLDER.iterdir())


def restore(revision: str, folder: Path) -> None:
    """Make `folder` the data folder of that revision."""
    shutil.copytree(FOLDER / revision, folder, dirs_exist_ok=True)
    dump = folder / "index.sql"
    with closing(sqlite3.connect(folder / "tunesmith.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(dump.read_text())
    dump.unlink()


def dump(database: Path) -> Iterator[str]:
    """Statements that make the database again. The standard `iterdump` cannot write search indexes."""
    with closing(sqlite3.connect(database)) as connection:
        master = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        virtual = [name for _, name, sql in master if sql.startswith("CREATE VIRTUAL")]
        hidden = ("sqlite_", *(f"{name}_" for name in virtual))
        plain = [(name, sql) for kind, name, sql in master if kind == "table" and name not in virtual]
        yield "BEGIN;"
        for name, sql in plain:
            if name.startswith(hidden):
                continue
            yield f"{sql};"
            yield from (f"INSERT INTO {name} VALUES ({row});" for row in rows(connection, name))
        yield from (f"{sql};" for _, name, sql in master if name in virtual)
        yield from (f"{sql};" for kind, _, sql in master if kind in ("index", "trigger"))
        yield from (f"INSERT INTO {name}({name}) VALUES ('rebuild');" for name in virtual)
        yield "COMMIT;"


def rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
    literals = " || ', ' || ".join(f"quote({column})" for column in columns)
    yield from (row[0] for row in connection.execute(f"SELECT {literals} FROM {table}"))


def fill(folder: Path) -> None:
    """A data folder with jobs in every state, through what every version has offered so far."""
    from core.home import Home
    from core.people import Actor
    from core.studio import Studio
    from storage.files import write_json
    from storage.manifest import seal
    from storage.spec import JobSpec
    from storage.status import Cause, Status

    home, alice = Home(folder), Actor("Alice", "alice@example.org")
    studio = Studio(home)
    studio.open()
    details = {"id": "tiny", "name": "Tiny", "provider": "Nobody", "public_id": "nobody/tiny", "licence": "apache-2.0"}
    sizes = {"parameters": 1_000_000, "context_length": 512, "hidden_size": 64, "layers": 2, "revision": "r1"}
    partial = home.models / ".tiny.partial"
    partial.mkdir()
    write_json(partial / "model.json", details | sizes)
    seal(partial, home.models / "tiny")
    studio.people.save("Alice", "alice@example.org")
    studio.drafts.save("sft", {"model": "tiny", "display_name": "Half typed"})
    dataset = studio.datasets.add_starter(alice)
    for job_id, state in JOBS.items():
        asked = JobSpec(model="tiny", dataset=dataset.id, job_id=job_id, display_name=f"The {state} one")
        studio.runs.submit(asked, actor=alice)
        if state == "cancelled":
            studio.runs.cancel(job_id, actor=alice)
        elif state != "queued":
            job = studio.runs.claim_next()
            assert job
            assert job.id == job_id
            begin(studio.runs.folder(job_id), job.token)
            studio.runs.move(job, Status.RUNNING)
            studio.runs.note(job, step=3, total_steps=4, loss=1.5)
        if state == "completed":
            studio.runs.move(job, Status.COMPLETED, ended_at=job.started_at)
        elif state == "failed":
            ended = {"ended_at": job.started_at, "message": "The GPU's memory was full.", "evidence": "CUDA …"}
            studio.runs.move(job, Status.FAILED, cause=Cause.OOM_GPU, **ended)
    studio.close()


def begin(folder, token: str) -> None:  # type: ignore[no-untyped-def]
    from storage.event_log import EventWriter
    from storage.events import Metric, Phase

    attempt = folder.attempt(1)
    attempt.claim(token)
    events = EventWriter(attempt.events)
    events.append(Phase(name="training", total=4))
    for step in (1, 2, 3):
        events.append(Metric(step=step, epoch=step / 4, values={"loss": 3 / step}))
    events.close()


def collect(made: Path, entry: Path) -> None:
    """The small texts of a data folder, without what names the machine that wrote them."""
    texts = {"index.sql": "\n".join(dump(made / "tunesmith.db")) + "\n"}
    for path in sorted((made / "runs" / "done-1").rglob("*")):
        if path.is_file():
            texts[path.relative_to(made).as_posix()] = path.read_text()
    for name, text in texts.items():
        target = entry / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(str(made), SOMEWHERE))


def main() -> None:
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "home"
        fill(made)
        with closing(sqlite3.connect(made / "tunesmith.db")) as connection:
            ((revision,),) = connection.execute("SELECT version_num FROM alembic_version")
        if (FOLDER / revision).exists():
            sys.exit(f"{FOLDER / revision} is there already, and what is in the zoo stays as it was written.")
        collect(made, FOLDER / revision)
        sys.stdout.write(f"{FOLDER / revision} is written.\n")


if __name__ == "__main__":
    main()
