"""What the job page shows beside what the run says: its row, and all that is looked up with it."""

from dataclasses import dataclass

from core.checkpoints import Checkpoints, Saved
from core.devices import Device
from core.home import Home
from core.predictions import Predictions
from core.queueing import Queue
from core.runs import Runs
from core.tracking import TrackerNews, news_of
from storage.prediction import Measured, Prediction
from storage.tables import Job
from storage.trackers import Tracker


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """`kept_bytes`: of the weights in the output. None for what there is not, or not yet."""

    job: Job
    waits_because: str
    devices: tuple[Device, ...]
    kept_bytes: int | None
    foretold: Prediction | None
    came: Measured | None
    trackers: tuple[TrackerNews, ...]
    checkpoints: tuple[Saved, ...]


class Dossiers:
    def __init__(
        self, home: Home, runs: Runs, queue: Queue, predictions: Predictions, checkpoints: Checkpoints
    ) -> None:
        self._home = home
        self._runs = runs
        self._queue = queue
        self._predictions = predictions
        self._checkpoints = checkpoints

    def of(self, job_id: str, trackers: tuple[Tracker, ...]) -> Dossier:
        """As it is now. Blocking. Raises NotFound."""
        job = self._runs.get(job_id)
        foretold, came = self._predictions.told(job.id)
        return Dossier(
            job=job,
            waits_because=self._queue.waits_because(job),
            devices=self._queue.devices_of(job),
            kept_bytes=self._runs.kept_bytes(job.id),
            foretold=foretold,
            came=came,
            trackers=news_of(self._home.runs / job.id, trackers),
            checkpoints=self._checkpoints.of(job.id),
        )
