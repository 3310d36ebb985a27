"""Jobs that people keep at the top of the list. A file beside the index, so that a new index does not lose them."""

import threading
from collections.abc import Callable

from core.errors import Conflict, NotFound
from core.home import Home
from core.people import Actor
from storage import jobs
from storage.database import Database
from storage.files import read_json, write_json
from storage.jobs import Query
from storage.tables import Job

#: More would be a list of their own.
MOST = 20


class Pins:
    """`changed(job_id)` is called after every change. Blocking: not for the event loop."""

    def __init__(self, database: Database, home: Home, changed: Callable[[str], None]) -> None:
        self._database = database
        self._path = home.path / "pins.json"
        self._changed = changed
        self._lock = threading.Lock()

    def pin(self, job_id: str, *, actor: Actor) -> None:
        """Raises NotFound, or Conflict where too many are pinned already."""
        with self._lock, self._database.read() as session:
            job = jobs.get(session, job_id)
            if job is None:
                raise NotFound(
                    "There is no job “{job_id}”. It may have been deleted; look in the jobs list.", job_id=job_id[:80]
                )
            pinned = [other for other in self._ids() if jobs.get(session, other)]  # what was deleted leaves room
            if job.id in pinned:
                return
            if len(pinned) >= MOST:
                raise Conflict(
                    "{most} jobs are pinned already. Unpin one of them, then pin “{title}”.", most=MOST, title=job.title
                )
            self._write([*pinned, job.id], actor)
        self._changed(job_id)

    def unpin(self, job_id: str, *, actor: Actor) -> None:
        """One that is not pinned stays as it is."""
        with self._lock:
            self._write([other for other in self._ids() if other != job_id], actor)
        self._changed(job_id)

    def found(self, query: Query) -> tuple[Job, ...]:
        """The pinned jobs among those that the query lists on all its pages, the newest first."""
        ids = self._ids()
        if not ids:
            return ()
        with self._database.read() as session:
            return jobs.among(session, query, ids)

    def _ids(self) -> list[str]:
        found = (read_json(self._path) or {}).get("jobs")
        return [str(job_id) for job_id in found] if isinstance(found, list) else []

    def _write(self, ids: list[str], actor: Actor) -> None:
        write_json(self._path, {"jobs": ids, "changed_by": actor.email})
