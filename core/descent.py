"""Which jobs began with what another job has made: read out of their specs, each once, for a spec never changes."""

from core.errors import NotFound
from core.home import Home
from core.runs import Runs
from storage.files import read_json
from storage.tables import Job


class Descent:
    """Reads files: call it in a thread."""

    def __init__(self, home: Home, runs: Runs) -> None:
        self._home = home
        self._runs = runs
        #: Job → the one that it began with; empty where that is the base model.
        self._parents: dict[str, str] = {}

    def of(self, job_id: str) -> tuple[Job, ...]:
        """Those that went on from this job or adapter, or from a checkpoint of it; the oldest first."""
        there = [path.name for path in self._home.runs.iterdir()]
        found = [self._job(name) for name in there if self._parent(name) == job_id]
        return tuple(sorted(filter(None, found), key=lambda job: job.created_at))

    def _parent(self, job_id: str) -> str:
        if job_id not in self._parents:
            spec = read_json(self._home.runs / job_id / "spec.json")
            if spec is None:  # being written, or damaged
                return ""
            self._parents[job_id] = str((spec.get("start") or {}).get("job_id", ""))
        return self._parents[job_id]

    def _job(self, job_id: str) -> Job | None:
        try:
            return self._runs.get(job_id)
        except NotFound:  # deleted, or not in the index yet
            return None
