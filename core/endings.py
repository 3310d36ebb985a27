"""Hears of every change of a job, and says once for each job that it has ended by itself."""

import threading

from core.errors import NotFound
from core.runs import Runs
from storage.status import Status
from storage.tables import Job

#: Who cancels a job knows that it has ended.
WORTH_TELLING = frozenset({Status.COMPLETED, Status.FAILED})


class Endings:
    """Knows what was open when it began, and what it has heard of since."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._open = {job.id for job in runs.live()}
        self._lock = threading.Lock()

    def note(self, job_id: str) -> Job | None:
        """The job, where this change is its end. Blocking."""
        try:
            job = self._runs.get(job_id)
        except NotFound:  # deleted
            return None
        with self._lock:
            if not job.status.is_terminal:
                self._open.add(job_id)
                return None
            was_open = job_id in self._open
            self._open.discard(job_id)
        return job if was_open and job.status in WORTH_TELLING else None
