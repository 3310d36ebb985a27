"""Deleting datasets: refused while a job needs one, through the trash, and back again for as long as it lies there."""

import logging
from collections.abc import Sequence
from pathlib import Path

from core.datasets.library import DESCRIPTION, Datasets, deleted_since
from core.errors import Conflict, NotFound
from core.home import Home
from core.people import Actor
from core.trash import STAMP_LENGTH, Trash
from storage import datasets
from storage.database import Database
from storage.files import fsync_path, write_json
from storage.tables import Dataset, Job, now

log = logging.getLogger(__name__)
JOBS_NAMED = 3


class Deletion:
    """The row stays for good, so that finished jobs can say what they were trained on."""

    def __init__(self, database: Database, home: Home, catalogue: Datasets) -> None:
        self._database = database
        self._home = home
        self._datasets = catalogue
        self._trash = Trash(home)

    def delete(self, dataset_id: str, *, actor: Actor, all_versions: bool = False) -> list[Dataset]:
        """What is gone now. Raises Conflict while a job that is not over uses any of it; then all of it stays."""
        chosen = self._datasets.get(dataset_id, actor=actor)
        doomed = self._datasets.versions(dataset_id, actor=actor) if all_versions else [chosen]
        with self._database.write() as session:
            for row in doomed:
                if users := datasets.jobs_with(session, row.id, open_only=True):
                    raise Conflict(_in_use(row, users))
            datasets.change(session, [row.id for row in doomed], trashed_at=now())
            # Inside the transaction: where a folder cannot be moved, the rows stay.
            for row in doomed:
                self._trash.take(self._datasets.folder(row.id))
        log.info("%s deleted %s.", actor.email, ", ".join(row.id for row in doomed))
        return doomed

    def restore(self, dataset_id: str, *, actor: Actor) -> Dataset:
        """Out of the trash again. Raises NotFound where it was emptied since."""
        row = self._datasets.record(dataset_id, actor=actor)
        if row.trashed_at is None:
            return row
        folder = self._in_trash(row.id)
        if folder is None:
            raise NotFound("“{name}” was deleted for good. Add its file again.", name=row.name)
        with self._database.write() as session:
            datasets.change(session, [row.id], trashed_at=None)
            write_json(folder / DESCRIPTION, row.model_copy(update={"trashed_at": None}).model_dump(mode="json"))
            folder.rename(self._datasets.folder(row.id))
            fsync_path(self._home.datasets)
        return self._datasets.get(row.id, actor=actor)

    def whereabouts(self, dataset_id: str, *, actor: Actor | None = None) -> str:
        """What a job's page says of a dataset that is not there any more; empty for one that is."""
        try:
            row = self._datasets.record(dataset_id, actor=actor)
        except NotFound:
            return "not known here any more"
        if row.trashed_at is None:
            return ""
        return deleted_since(row) if self._in_trash(row.id) else f"deleted on {row.trashed_at:%Y-%m-%d}"

    def _in_trash(self, dataset_id: str) -> Path | None:
        found = (
            path for path in self._home.trash.glob(f"*-{dataset_id}") if path.name[STAMP_LENGTH + 1 :] == dataset_id
        )
        return max(found, default=None)


def _in_use(row: Dataset, users: Sequence[Job]) -> str:
    named = ", ".join(f"“{job.title}” ({job.status.value})" for job in users[:JOBS_NAMED])
    more = f" and {len(users) - JOBS_NAMED} more" if len(users) > JOBS_NAMED else ""
    return (
        f"“{row.name}” version {row.version} is used by {named}{more}. Wait for it, or cancel and then delete the "
        "dataset."
    )
