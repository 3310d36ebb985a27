"""The catalogue of datasets: what there is, who may see it, and how a new version comes in. Rows never change."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.ballast import Ballast
from core.checks.report import Report
from core.datasets.importing import Import, import_file, is_small
from core.datasets.intake import OnProgress
from core.datasets.labels import Labels, file_title
from core.datasets.preview import Pair, pair_of
from core.errors import BadInput, Conflict, NotFound
from core.formats.options import ReadOptions
from core.home import Home
from core.people import Actor
from storage import datasets
from storage.database import Database
from storage.datasets import DatasetPage, DatasetQuery
from storage.files import fsync_path, write_json
from storage.rows import ROWS, Rows
from storage.spec import DatasetRef
from storage.tables import Dataset, Job, Visibility

DESCRIPTION = "dataset.json"
STARTER_FILE = Path(__file__).parents[2] / "examples" / "support.jsonl"
STARTER_NAME = "Customer Support Starter"
#: No upload has a slash in its name, so this one is ours.
STARTER_SOURCE = "examples/support.jsonl"


class Datasets:
    """Where `actor` is None, the studio itself asks, and nothing is hidden from it."""

    def __init__(self, database: Database, home: Home, ballast: Ballast) -> None:
        self._database = database
        self._home = home
        self._ballast = ballast

    def all(self, *, actor: Actor | None = None) -> list[Dataset]:
        """Every version, the newest first."""
        with self._database.read() as session:
            return list(datasets.newest_first(session, _email(actor)))

    def search(self, query: DatasetQuery, *, actor: Actor | None = None) -> DatasetPage:
        """The newest version of each dataset that the query names."""
        with self._database.read() as session:
            return datasets.search(session, query, _email(actor))

    def named(self, words: str, count: int, *, actor: Actor | None = None) -> tuple[Dataset, ...]:
        """A few of the same, the newest first; nothing is counted."""
        with self._database.read() as session:
            return datasets.found(session, DatasetQuery(search=words, page_size=count), _email(actor))

    def versions(self, dataset_id: str, *, actor: Actor | None = None) -> list[Dataset]:
        """All versions of this one's family, the newest first."""
        return self.family(self.get(dataset_id, actor=actor).family, actor=actor)

    def family(self, family: str, *, actor: Actor | None = None) -> list[Dataset]:
        with self._database.read() as session:
            return list(datasets.versions(session, family, _email(actor)))

    def get(self, dataset_id: str, *, actor: Actor | None = None) -> Dataset:
        found = self.record(dataset_id, actor=actor)
        if found.trashed_at is not None:
            raise NotFound(
                "The dataset “{name}” is {gone}. Restore it, or choose another one.",
                name=found.name,
                gone=deleted_since(found),
            )
        return found

    def record(self, dataset_id: str, *, actor: Actor | None = None) -> Dataset:
        """The same for a deleted one too, for whoever only wants to say what it was."""
        with self._database.read() as session:
            found = datasets.get(session, dataset_id)
        if found is None or not may_see(found, actor):
            raise NotFound(
                "There is no dataset “{dataset_id}”. Choose one from the list or upload a file.", dataset_id=dataset_id
            )
        return found

    def folder(self, dataset_id: str) -> Path:
        return self._home.datasets / dataset_id

    def report(self, dataset_id: str, *, actor: Actor | None = None) -> Report:
        return Report.read(self.folder(self.get(dataset_id, actor=actor).id))

    def preview(self, dataset_id: str, limit: int = 3, *, actor: Actor | None = None) -> list[Pair]:
        found = self.get(dataset_id, actor=actor)
        return [pair_of(row, found.kind) for row in Rows(self.folder(found.id)).page(0, limit)]

    def rows(self, dataset_id: str, *, actor: Actor | None = None) -> Rows:
        return Rows(self.folder(self.get(dataset_id, actor=actor).id))

    def used_by(self, dataset_id: str, *, actor: Actor | None = None, open_only: bool = False) -> list[Job]:
        """Jobs that trained on this version or were measured on it, the newest first."""
        known = self.record(dataset_id, actor=actor)
        with self._database.read() as session:
            return list(datasets.jobs_with(session, known.id, open_only=open_only))

    def ref(self, dataset_id: str, *, actor: Actor | None = None) -> DatasetRef:
        """What a run needs to know about a dataset, pinned to its content."""
        found = self.get(dataset_id, actor=actor)
        return DatasetRef(
            id=found.id,
            name=found.name,
            path=str(self.folder(found.id) / ROWS),
            sha256=found.sha256,
            format=found.source_format,
            kind=found.kind,
            rows=found.rows,
            tokens_estimate=found.characters // 4,
        )

    def add(
        self,
        path: Path,
        *,
        name: str | None = None,
        actor: Actor,
        options: ReadOptions | None = None,
        on_progress: OnProgress = lambda _: None,
        on_start: Callable[[Import], None] = lambda _: None,
        source: str = "",
    ) -> Dataset:
        """Check every row and keep the file; the same content a second time is the same dataset.

        Raises StudioError; then nothing is kept. `on_start` is given the import, which can be cancelled; a small file,
        read at once, has none. `source` names where the file came from, where that is more than its name.
        """
        if not path.is_file():
            raise BadInput("There is no file {path}. Check the path and try again.", path=path)
        self._home.require_free(path.stat().st_size, f"The dataset {path.name}")
        with self.drafting() as partial:
            if is_small(path):
                report = import_file(path, partial, options, on_progress)
            else:
                running = Import(path, partial, options, on_progress)
                on_start(running)
                report = running.wait()
            row = described(report, actor)
            row.name = (name and Labels(name=name).name) or file_title(path)
            row.source_name, row.bytes = source or path.name[-200:], path.stat().st_size
            return self.known(row.sha256, actor) or self.keep(row, partial)

    def add_starter(self, actor: Actor) -> Dataset | None:
        """The starter dataset; None where it was deleted once, for then it shall not come back by itself."""
        with self._database.read() as session:
            versions = datasets.by_source(session, STARTER_SOURCE)
        if versions:
            return next((row for row in versions if row.trashed_at is None), None)
        return self.add(STARTER_FILE, name=STARTER_NAME, actor=actor, source=STARTER_SOURCE)

    def describe(self, dataset_id: str, labels: Labels, *, actor: Actor) -> Dataset:
        """Change the name, description, tags or visibility of all versions."""
        family = self.versions(dataset_id, actor=actor)
        changed = labels.model_dump(exclude_none=True)
        if labels.visibility is Visibility.PRIVATE and any(row.created_by_email != actor.email for row in family):
            owners = ", ".join(sorted({row.created_by_name for row in family if row.created_by_email != actor.email}))
            raise Conflict(
                "“{name}” has versions of {owners}, so you cannot make it private.", name=family[0].name, owners=owners
            )
        if changed:
            with self._database.write() as session, self._ballast.explaining():
                datasets.change(session, [row.id for row in family], **changed)
                for row in family:
                    self._write_description(row.model_copy(update=changed))
        return self.get(dataset_id, actor=actor)

    @contextmanager
    def drafting(self) -> Iterator[Path]:
        """A folder to prepare a version in; gone afterwards unless it was kept."""
        partial = self._home.datasets / f".{uuid.uuid4().hex}.partial"
        try:
            with self._ballast.explaining():
                partial.mkdir()
                yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def known(self, sha256: str, actor: Actor) -> Dataset | None:
        """A dataset with these rows that is there and that the actor may see."""
        with self._database.read() as session:
            found = datasets.by_hash(session, sha256)
        return next((row for row in found if row.trashed_at is None and may_see(row, actor)), None)

    def keep(self, row: Dataset, partial: Path) -> Dataset:
        """Give a prepared folder its place and its row. An empty `family` begins one."""
        for file in partial.iterdir():
            fsync_path(file)
        with self._database.write() as session:
            row.id = f"ds-{row.sha256[:12]}"
            if datasets.get(session, row.id) is not None:  # the same rows, but deleted, or somebody else's
                row.id = f"ds-{uuid.uuid4().hex[:12]}"
            row.family = row.family or row.id
            row.version = datasets.next_version(session, row.family)
            write_json(partial / DESCRIPTION, row.model_dump(mode="json"))
            shutil.rmtree(self.folder(row.id), ignore_errors=True)  # a leftover the index does not know
            partial.rename(self.folder(row.id))
            fsync_path(self._home.datasets)
            datasets.add(session, row)
        return row

    def _write_description(self, row: Dataset) -> None:
        write_json(self.folder(row.id) / DESCRIPTION, row.model_dump(mode="json"))


def described(report: Report, actor: Actor) -> Dataset:
    """The row of a version with these figures; its names and its family are the caller's."""
    return Dataset(
        id="",
        family="",
        name="",
        sha256=report.sha256,
        kind=report.kind,
        source_format=report.format,
        rows=report.rows,
        errors=report.errors,
        warnings=report.warnings,
        bytes=0,
        characters=report.characters,
        created_by_name=actor.name,
        created_by_email=actor.email,
    )


def may_see(row: Dataset, actor: Actor | None) -> bool:
    return actor is None or row.visibility is Visibility.EVERYONE or row.created_by_email == actor.email


def deleted_since(row: Dataset) -> str:
    return f"in the trash since {row.trashed_at:%Y-%m-%d %H:%M} UTC" if row.trashed_at else "there"


def _email(actor: Actor | None) -> str | None:
    return actor.email if actor else None
