"""The studio: the services that every face (pages, command line) is given, wired by hand."""

import contextlib
import logging
from collections.abc import Callable
from functools import partial

import filelock

from core import hardware
from core.ballast import Ballast
from core.checkpoints import Checkpoints
from core.clerk import Clerk
from core.conversations.imports import ConversationImports
from core.datasets.arrivals import Arrivals
from core.datasets.closer import CloserLooks
from core.datasets.deletion import Deletion
from core.datasets.hub import Hub
from core.datasets.library import Datasets
from core.datasets.tokens import TokenCounts
from core.datasets.uploads import Uploads
from core.datasets.versions import Versions
from core.descent import Descent
from core.desk import DatasetDesk
from core.devices import Devices, find_devices
from core.dossier import Dossiers
from core.drafts import Drafts
from core.errors import StudioError
from core.feed import Feed, FeedUpdate
from core.finder import Finder
from core.first_run import FirstRun
from core.grading.trials import GraderTrials
from core.hardware import Hardware
from core.home import Home
from core.hub import HubAccess
from core.installation import Installation
from core.known_gpus import KnownGpus
from core.launcher import Launcher
from core.mirrors import Mirrors
from core.models.adapters import Adapters
from core.models.admission import Admission
from core.models.arrivals import ModelArrivals
from core.models.cache import HubCache
from core.models.custom import CustomModels
from core.models.downloads import Downloads
from core.models.folders import Folders
from core.models.hub import ModelSearch
from core.models.library import Models
from core.models.removal import Removal
from core.nightly import Nightly
from core.opening import make_ready, on_network
from core.overview import Overview
from core.people import People
from core.pins import Pins
from core.predictions import Predictions
from core.presets import Presets
from core.queueing import Queue
from core.runs import Runs
from core.scheduler import Scheduler
from core.serving.deployments import Deployments
from core.serving.desk import DeploymentDesk
from core.serving.endpoint import Endpoint
from core.serving.gpus import Gpus
from core.serving.launch import Launch
from core.serving.ledger import Ledger
from core.serving.pool import Pool
from core.serving.settings import Settings
from core.serving.targets import Targets
from core.submission import Submission
from core.template_preview import TemplatePreview
from core.tracking import Tracking
from storage.database import Database

log = logging.getLogger(__name__)


def _ignore(_: object) -> None:
    """Nobody listens."""


class Studio:
    """One data folder, served. `publish` gets new events, `job_changed` the id of a row that changed,
    `deployments_changed` nothing; any thread.

    `patience` stretches or shortens the waits of the cancel ladder. `keeps_spare`: a trainer
    waits with its imports done.
    """

    def __init__(
        self,
        home: Home,
        *,
        publish: Callable[[FeedUpdate], None] = _ignore,
        job_changed: Callable[[str], None] = _ignore,
        deployments_changed: Callable[[None], None] = _ignore,
        patience: float = 1.0,
        devices: Devices | None = None,
        keeps_spare: bool = False,
    ) -> None:
        self.home = home
        self._ballast = Ballast(home)
        self._database = Database(home.database, self._ballast)
        self._lock: filelock.BaseFileLock | None = None
        self._job_changed = job_changed
        self.tracking = Tracking(home.path)
        self.people = People(self._database)
        self.drafts, self.presets = Drafts(self._database), Presets(home)
        self.models = Models(home)
        self._keep_models(home)
        self._keep_datasets(home)
        self.feed = Feed(home.runs, publish)
        self._devices = devices = devices or find_devices()
        launcher = Launcher.find(home.path, keeps_spare=keeps_spare)
        self.spare = launcher.spare
        self.queue = Queue(
            self._database,
            devices,
            self._on_job_changed,
            obstacle=lambda: home.shortage() or launcher.obstacle(),
            known=KnownGpus(home.path / "devices.json", source=type(devices).__name__),
        )
        self.predictions = Predictions(home, self.tokens)
        submission = Submission(
            self._database,
            home,
            self.models,
            self.datasets,
            self._ballast,
            devices,
            self.predictions,
            self.queue.announce,
            wake=self.queue.wake,
        )
        self.runs = Runs(self._database, home, self.queue, submission, self.queue.announce)
        self.descent = Descent(home, self.runs)
        self.custom_models = CustomModels(self.runs, self.adapters, self.descent)
        self._mirrors = Mirrors(home.path, self.tracking, self.runs.get, self.runs.run_spec, job_changed)
        self.checkpoints = Checkpoints(self._database, home, self._ballast, self.runs, self.feed, job_changed)
        self.scheduler = Scheduler(
            self.runs, self.queue, self.feed, home, self._ballast, launcher, self.predictions, patience
        )
        self._keep_serving(home, deployments_changed)
        self.model_removal.objections.append(self.deployments.needing)
        self.adapters.objections.append(self.deployments.needing)
        self._keep_views(home)
        self.clerk = self._find_clerk(home)
        self._nightly = Nightly(home, self.uploads)

    def _keep_models(self, home: Home) -> None:
        """How base models come here."""
        access = HubAccess(home.path)
        admission = Admission(home)
        self.model_search = ModelSearch(access)
        self.downloads = Downloads(home, access, admission)
        self.model_folders = Folders(home, admission)
        self.hub_cache = HubCache(self.model_folders)
        self.adapters = Adapters(home, self.models)
        self.model_removal = Removal(self._database, home, self.models)

    def _keep_datasets(self, home: Home) -> None:
        """What has to do with rows, from a file's arrival to the look of them as tokens."""
        self.tokens = TokenCounts(home)
        self.datasets = Datasets(self._database, home, self._ballast)
        self.templates = TemplatePreview(self.models, self.datasets, self.tokens)
        self.versions = Versions(home, self.datasets)
        self.deletion = Deletion(self._database, home, self.datasets)
        self.hub = Hub(home, self.datasets)
        self.uploads = Uploads(home, self._ballast)
        self.model_arrivals = ModelArrivals(home, self.model_folders, self.adapters, self.uploads)
        self.arrivals = Arrivals()
        self.closer_looks = CloserLooks()
        self.grader_trials = GraderTrials(self.datasets)
        self.conversations = ConversationImports(self.datasets, self.uploads)

    def _keep_serving(self, home: Home, tell: Callable[[None], None]) -> None:
        """What answers: the workers, the names, and the way from the one to the other."""
        settings, changed = Settings.find(), partial(tell, None)
        self.serving_settings = settings
        targets = Targets(self._database, home, self.models, self.adapters)
        gpus = Gpus(self._database, self.queue)
        self._pool = Pool(home.workers, settings, gpus, Launch(home.served, settings), changed)
        self._ledger = Ledger(home.deployments)
        self.deployments = Deployments(
            self._database, home, self._ballast, targets, self._pool, self._ledger, self.checkpoints, changed
        )
        self.endpoint = Endpoint(self.deployments, targets, self._pool)

    def _keep_views(self, home: Home) -> None:
        """What pages show of all of these together."""
        self.installation = Installation(home)
        self.dossiers = Dossiers(home, self.runs, self.queue, self.predictions, self.checkpoints)
        self.overview = Overview(self._database, home, self.feed, self._devices)
        self.finder = Finder(self.runs, self.datasets, self.models, self.adapters, self.deployments)
        self.pins = Pins(self._database, home, self.queue.announce)
        self.first_run = FirstRun(self.models, self.datasets, self.runs)

    def _find_clerk(self, home: Home) -> Clerk:
        """Who does what commands ask for."""
        datasets = DatasetDesk(self.datasets, self.versions, self.deletion, self.hub)
        deployments = DeploymentDesk(self.deployments)
        return Clerk(
            home,
            self.runs,
            self.queue,
            self.datasets,
            self.models,
            self.checkpoints,
            datasets,
            deployments,
            self.model_removal,
        )

    def hardware(self) -> Hardware:
        """What this machine has, measured now. Asks the driver, so it may block."""
        return hardware.look(self._devices)

    def open(self, *, locked: bool = False) -> None:
        """Bring the index to this version. Enough for reading; raises BadHome with what to do.

        `locked` says that this process holds the folder already.
        """
        self.home.prepare()
        make_ready(self._database, self.home, locked=locked)

    def start(self, url: str = "") -> None:
        """Take the folder, open it, and begin to schedule. Raises BadHome where it is served already."""
        self.home.prepare()
        self._lock = self.home.lock(url)
        try:
            self.open(locked=True)
        except BaseException:
            self._lock.release()
            self._lock = None
            raise
        if kind := self.home.network_filesystem():
            log.warning("%s You have taken that risk.", on_network(self.home, kind))
        self._ballast.tend()
        self.scheduler.start()
        self.clerk.start()
        self._nightly.start()
        self._mirrors.start()
        self._pool.start()
        self._ledger.start()

    def welcome(self) -> None:
        """Put the starter dataset and model in place, where that can be done. Their pages say it when it cannot."""
        with contextlib.suppress(StudioError):
            self.datasets.add_starter(self.people.actor())
            self.models.starter.prepare()

    def stop(self) -> None:
        """Stop scheduling and let the folder go. Trainers go on by themselves."""
        self.clerk.stop()
        self._pool.stop()
        self._ledger.stop()
        self._mirrors.stop()
        self._nightly.stop()
        self.scheduler.stop()
        self.models.starter.stop()
        self.downloads.stop()
        self.tokens.stop()
        self.closer_looks.stop()
        self.grader_trials.stop()
        self.close()
        if self._lock:
            self._lock.release()

    def _on_job_changed(self, job_id: str) -> None:
        self._mirrors.note(job_id)
        self._job_changed(job_id)

    def close(self) -> None:
        """Undo `open`."""
        self._database.close()
