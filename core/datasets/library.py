"""Datasets: files of labelled examples, checked on the way in and kept immutable under their content's hash."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from core.ballast import Ballast
from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.datasets.importing import import_file
from core.errors import BadInput, NotFound
from core.formats.problems import Level
from core.home import Home
from core.people import Actor
from storage import datasets
from storage.database import Database
from storage.files import fsync_path, write_json
from storage.rows import ROWS, Rows
from storage.spec import DatasetRef
from storage.tables import Dataset

STARTER_FILE = Path(__file__).parents[2] / "examples" / "support.jsonl"
STARTER_NAME = "Customer Support Starter"


@dataclass(frozen=True, slots=True)
class Pair:
    """One example as INPUT → OUTPUT, for a preview."""

    prompt: str
    answer: str


class Datasets:
    def __init__(self, database: Database, home: Home, ballast: Ballast) -> None:
        self._database = database
        self._home = home
        self._ballast = ballast

    def all(self) -> list[Dataset]:
        with self._database.read() as session:
            return list(datasets.newest_first(session))

    def get(self, dataset_id: str) -> Dataset:
        with self._database.read() as session:
            found = datasets.get(session, dataset_id)
        if found is None:
            raise NotFound(f"There is no dataset “{dataset_id}”. Choose one from the list or upload a file.")
        return found

    def ref(self, dataset_id: str) -> DatasetRef:
        """What a run needs to know about a dataset, pinned to its content."""
        found = self.get(dataset_id)
        return DatasetRef(
            id=found.id,
            name=found.name,
            path=str(self._home.datasets / found.id / ROWS),
            sha256=found.sha256,
            format=found.source_format,
            kind=found.kind,
            rows=found.rows,
            tokens_estimate=found.characters // 4,
        )

    def add(self, path: Path, *, name: str | None, actor: Actor) -> Dataset:
        """Check every row and keep the file; the same content a second time is the same dataset."""
        if not path.is_file():
            raise BadInput(f"There is no file {path}. Check the path and try again.")
        self._home.require_free(path.stat().st_size, f"The dataset {path.name}")
        partial = self._home.datasets / f".{uuid.uuid4().hex}.partial"
        try:
            with self._ballast.explaining():
                partial.mkdir()
                row = self._import(path, partial, name or path.stem.replace("_", " ").strip() or "Dataset", actor)
                return self._keep(row, partial)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def add_starter(self, actor: Actor) -> Dataset:
        return self.add(STARTER_FILE, name=STARTER_NAME, actor=actor)

    def preview(self, dataset_id: str, limit: int = 3) -> list[Pair]:
        pairs: list[Pair] = []
        for row in Rows(self._home.datasets / self.get(dataset_id).id).page(0, limit):
            messages = row.content["messages"]
            prompt = next(message["content"] for message in reversed(messages[:-1]) if message["role"] == "user")
            pairs.append(Pair(prompt, messages[-1]["content"]))
        return pairs

    def _import(self, path: Path, folder: Path, name: str, actor: Actor) -> Dataset:
        report = import_file(path, folder)
        if report.errors:
            first = next(finding for finding in read_findings(folder) if CODES[finding.code].level is Level.ERROR)
            raise BadInput(
                f"{report.errors} of {report.rows} rows have errors. "
                f"Line {first.line}: {CODES[first.code].title} ({first.detail})"
            )
        return Dataset(
            id=f"ds-{report.sha256[:12]}",
            family=f"ds-{report.sha256[:12]}",
            name=name[:120],
            sha256=report.sha256,
            kind=report.kind,
            source_format=report.format,
            source_name=path.name,
            rows=report.rows,
            errors=report.errors,
            warnings=report.warnings,
            bytes=path.stat().st_size,
            characters=report.characters,
            created_by_name=actor.name,
            created_by_email=actor.email,
        )

    def _keep(self, row: Dataset, partial: Path) -> Dataset:
        with self._database.read() as session:
            known = datasets.by_hash(session, row.sha256)
        if known:
            return known
        write_json(partial / "dataset.json", row.model_dump(mode="json"))
        shutil.rmtree(self._home.datasets / row.id, ignore_errors=True)  # a leftover the index does not know
        partial.rename(self._home.datasets / row.id)
        fsync_path(self._home.datasets)
        with self._database.write() as session:
            datasets.add(session, row)
        return row
