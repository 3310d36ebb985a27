"""What the dashboard shows: datasets, jobs, the machine and what runs, found once for everybody who looks."""

import itertools
import shutil
from dataclasses import dataclass

import psutil

from core.datasets.intake import MINIMUM_EXAMPLES
from core.datasets.trainable import LEARNS_FROM
from core.devices import Device, Devices
from core.feed import Feed
from core.hardware import Hardware, look
from core.history import History
from core.home import Home
from core.people import Actor
from core.remembered import Remembered
from core.series import Point
from storage import datasets, jobs
from storage.database import Database
from storage.measures import MEASURES
from storage.spec import Objective
from storage.status import Status
from storage.tables import Job

#: However many pages look, everything is found this often at most.
FRESH_S = 1.0
#: Jobs that hold no device, the newest first.
LATEST = 5
#: A sparkline is 120 pixels wide.
CURVE_POINTS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """A job that holds a device. `curve` is its training loss, or its reward, in few points."""

    job: Job
    history: History
    measure: str
    curve: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """`cpu_busy` is the share of time, 0 to 1, since the last look; disk figures are of the data folder's volume."""

    cores: int
    cpu_busy: float
    memory_bytes: int
    memory_used_bytes: int
    gpus: tuple[Device, ...]
    gpu_error: str
    disk_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """`ready` datasets are those that a supervised job may start on; `jobs` counts by objective and status."""

    datasets: int
    ready: int
    jobs: dict[tuple[Objective, Status], int]
    latest: tuple[Job, ...]
    live: tuple[Live, ...]
    machine: Machine


class Overview:
    """Looks may block: not for the event loop."""

    def __init__(self, database: Database, home: Home, feed: Feed, devices: Devices) -> None:
        self._database = database
        self._home = home
        self._feed = feed
        self._devices = devices
        self._found: Remembered[Figures] = Remembered(fresh_s=FRESH_S)
        psutil.cpu_percent()  # the first call has nothing to compare with

    def look(self, actor: Actor) -> Figures:
        return self._found.get(actor.email, lambda: self._find(actor))

    def _find(self, actor: Actor) -> Figures:
        with self._database.read() as session:
            total, ready = datasets.count(session, actor.email, LEARNS_FROM[Objective.SFT], at_least=MINIMUM_EXAMPLES)
            counts, latest, live = jobs.by_status(session), jobs.latest(session, LATEST), jobs.live(session)
        running = sorted(live, key=lambda job: job.created_at)
        return Figures(
            datasets=total,
            ready=ready,
            jobs=counts,
            latest=tuple(latest),
            live=tuple(self._live(job) for job in running),
            machine=machine(look(self._devices), self._home),
        )

    def _live(self, job: Job) -> Live:
        history = self._feed.history(job.id)
        measure = MEASURES[job.objective].key.removeprefix("eval_")
        return Live(job=job, history=history, measure=measure, curve=thinned(history.series.get(measure, ())))


def machine(hardware: Hardware, home: Home) -> Machine:
    """How busy it is now."""
    disk = shutil.disk_usage(home.path)
    return Machine(
        cores=hardware.cores,
        cpu_busy=psutil.cpu_percent() / 100,
        memory_bytes=hardware.memory_bytes,
        memory_used_bytes=hardware.memory_bytes - hardware.available_bytes,
        gpus=hardware.gpus,
        gpu_error=hardware.gpu_error,
        disk_bytes=disk.total,
        disk_free_bytes=disk.free,
    )


def thinned(points: tuple[Point, ...], most: int = CURVE_POINTS) -> tuple[float, ...]:
    """The mean of each stretch of points, and the newest point as it is."""
    values = [point.value for point in points]
    if len(values) <= most:
        return tuple(values)
    bounds = [round(at * (len(values) - 1) / (most - 1)) for at in range(most)]
    means = [sum(values[start:end]) / (end - start) for start, end in itertools.pairwise(bounds)]
    return (*means, values[-1])
