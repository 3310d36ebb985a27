"""Submitting: what was asked becomes what will run, a run folder, and a row in the queue."""

import platform
import secrets
import shutil
import string
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata

from core import hardware, warm_start
from core.ballast import Ballast
from core.crashpoints import reach
from core.datasets import splits
from core.datasets.library import Datasets
from core.datasets.tokens import objection
from core.datasets.trainable import require_ready
from core.devices import Devices
from core.errors import BadInput, Conflict
from core.estimate.ladder import Rung
from core.estimate.memory import memory_of
from core.estimate.outlook import Outlook
from core.estimate.traffic import traffic_of
from core.grading.trials import require_grader, require_spread
from core.home import Home
from core.models.library import Models
from core.people import Actor
from core.predictions import Predictions
from core.resolve import resolve
from storage import jobs
from storage.database import Database
from storage.run_folder import RunFolder
from storage.spec import HoldOut, JobSpec, Objective, OtherDataset, RunSpec
from storage.tables import Job

_ALPHABET = string.ascii_lowercase + string.digits


class Submission:
    """`on_change(job_id)` is called after a row was written; `wake` is set for the scheduler."""

    def __init__(
        self,
        database: Database,
        home: Home,
        models: Models,
        datasets: Datasets,
        ballast: Ballast,
        devices: Devices,
        predictions: Predictions,
        on_change: Callable[[str], None],
        wake: threading.Event,
    ) -> None:
        self._database = database
        self._home = home
        self._models = models
        self._datasets = datasets
        self._ballast = ballast
        self._devices = devices
        self._predictions = predictions
        self._on_change = on_change
        self._wake = wake

    def preview(self, spec: JobSpec, *, actor: Actor | None = None) -> RunSpec:
        """What would really run, with every change and its reason. Raises StudioError where nothing could."""
        model = self._models.get(spec.model).model_copy(update={"chat_template": spec.chat_template.strip()})
        dataset = self._datasets.ref(spec.dataset, actor=actor)
        evaluation = spec.evaluation
        resolved = resolve(spec, model, dataset, hardware.look(self._devices))
        start = warm_start.start_of(spec, model, self._home)
        require_ready(self._datasets, spec, actor)
        if spec.objective is Objective.RFT:
            require_grader(spec.rft)
        job_id = spec.job_id or "".join(secrets.choice(_ALPHABET) for _ in range(13))
        return RunSpec(
            job_id=job_id,
            output_name=spec.output_name.strip() or f"ft-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            created_at=datetime.now(UTC),
            created_by="",
            asked=spec,
            objective=spec.objective,
            method=resolved.method,
            dpo=resolved.dpo,
            rft=resolved.rft,
            hyperparameters=resolved.hyperparameters,
            model=model,
            start=start,
            dataset=dataset,
            evaluation=evaluation,
            evaluation_dataset=self._datasets.ref(evaluation.dataset) if isinstance(evaluation, OtherDataset) else None,
            split=str(self._home.runs / job_id / "split.json") if isinstance(evaluation, HoldOut) else "",
            compute=resolved.compute,
            retention=resolved.checkpoints,
            sample_prompts=spec.sample_prompts,
            changes=resolved.changes,
            versions=_versions(),
        )

    def outlook(self, run: RunSpec) -> tuple[Outlook, tuple[Rung, ...]]:
        """What a previewed run will take, and what would make it fit where it does not."""
        return self._predictions.of(run, hardware.look(self._devices))

    def submit(self, spec: JobSpec, *, actor: Actor) -> Job:
        """Write the run folder, then the row. Raises StudioError; then nothing is left behind."""
        run = self.preview(spec, actor=actor).model_copy(update={"created_by": actor.email})
        if found := objection(run.dataset, run.model, run.hyperparameters.max_context_length, self._home):
            raise BadInput(found)
        if run.objective is Objective.RFT:
            require_spread(run.rft, self._datasets.folder(run.dataset.id))
        machine = hardware.look(self._devices)
        outlook, _ = self._predictions.of(run, machine)
        self._home.require_free(outlook.disk_bytes, "This run")
        try:
            with self._ballast.explaining():
                folder = RunFolder.create(self._home.runs, run)
        except FileExistsError as error:
            raise Conflict(
                "The job id “{job_id}” is taken. Choose another or leave it empty.", job_id=run.job_id
            ) from error
        try:
            with self._ballast.explaining():
                splits.freeze(run)
                if run.start:
                    warm_start.take(run.start, self._home, folder)
                self._predictions.keep(folder, run, outlook, machine)
            reach("submit: folder without row")
            with self._database.write() as session:
                jobs.add(session, job := row_of(run, actor, outlook.memory_bytes))
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        self._on_change(job.id)
        self._wake.set()
        return job

    def require_dataset(self, job: Job) -> None:
        """Before a job is tried again: its dataset may be deleted since. Raises NotFound."""
        for dataset_id in filter(None, (job.dataset_id, job.evaluation_dataset_id)):
            self._datasets.get(dataset_id)


def row_of(run: RunSpec, actor: Actor, memory_bytes: int = 0) -> Job:
    """The row of a run that has just been asked for. What it needs is told, or found by the formulas alone."""
    return Job(
        id=run.job_id,
        objective=run.objective,
        method=run.method.kind,
        display_name=run.asked.display_name,
        output_name=run.output_name,
        model_id=run.model.id,
        model_name=run.model.name,
        dataset_id=run.dataset.id,
        dataset_name=run.dataset.name,
        evaluation_dataset_id=run.evaluation_dataset.id if run.evaluation_dataset else "",
        created_by_name=actor.name,
        created_by_email=actor.email,
        created_at=run.created_at,
        epochs=run.hyperparameters.epochs,
        device=run.compute.device,
        devices=run.compute.devices,
        memory_bytes=memory_bytes or memory_of(run, traffic_of(run)).needed_bytes,
    )


def _versions() -> dict[str, str]:
    """What will train, for the record. Reads package metadata only; imports nothing heavy."""
    found = {"python": platform.python_version()}
    for package in ("torch", "transformers", "trl", "peft"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            raise BadInput(
                "The package {package} is not installed, so nothing can be trained. Run scripts/install.",
                package=package,
            ) from None
    return found
