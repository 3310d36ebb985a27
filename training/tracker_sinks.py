"""The trackers, each behind the same four calls. Their packages are imported here only, and only when asked for.

Metrics and settings are sent; rows, prompts, answers and folders are not.
"""

import os
from pathlib import Path
from typing import Any, Protocol

from storage.spec import RunSpec
from storage.trackers import FOLDER, Tracker, TrackerSettings


class Unsendable(Exception):
    """The tracker cannot be used; its message is a sentence for the job page."""


class Sink(Protocol):
    """`run_id` names the run there; `note` is what a person should know at the end."""

    run_id: str
    note: str

    def log(self, step: int, at: float, values: dict[str, float]) -> None:
        """Measured after `step` steps, at this wall time (seconds)."""

    def flush(self) -> None:
        """What was logged is safe from now on, as far as the tracker can say."""

    def close(self, outcome: str) -> None:
        """`outcome` is completed, paused, cancelled or failed; after a pause the run may be opened again."""


def open_sink(tracker: Tracker, spec: RunSpec, run: Path, settings: TrackerSettings, secret: str, run_id: str) -> Sink:
    """`run` is the run's folder; `run_id` is empty unless an earlier attempt has opened the run there."""
    folder = run / FOLDER
    #: Those whose pages compare runs by one database have it in the data folder.
    shared = run.parents[1] / FOLDER / tracker.value
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        match tracker:
            case Tracker.TENSORBOARD:
                return TensorBoard(folder)
            case Tracker.WANDB:
                return Wandb(spec, folder, settings, secret)
            case Tracker.MLFLOW:
                return MlFlow(spec, shared, settings, secret, run_id)
            case Tracker.TRACKIO:
                return Trackio(spec, shared, settings)
    except ModuleNotFoundError as error:
        raise Unsendable(f"{tracker} is not installed here ({error.name} is missing).") from None


def config_of(spec: RunSpec) -> dict[str, Any]:
    """What makes two runs comparable. No path of this machine, and nobody's name."""
    return {
        "objective": spec.objective.value,
        "model": spec.model.name,
        "model_revision": spec.model.revision,
        "dataset": spec.dataset.name,
        "dataset_sha256": spec.dataset.sha256,
        "rows": spec.dataset.rows,
        "device": spec.compute.device,
        "devices": spec.compute.devices,
        **{f"method.{name}": value for name, value in spec.method.model_dump().items()},
        **{f"hyperparameters.{name}": value for name, value in spec.hyperparameters.model_dump().items()},
    }


class TensorBoard:
    """Event files in the run's folder: `tensorboard --logdir <data folder>/runs`."""

    run_id = ""
    note = ""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._writer = EventFileWriter(str(folder / Tracker.TENSORBOARD.value))

    def log(self, step: int, at: float, values: dict[str, float]) -> None:
        found = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.add_event(self._event(wall_time=at, step=step, summary=self._summary(value=found)))

    def flush(self) -> None:
        self._writer.flush()

    def close(self, outcome: str) -> None:
        self._writer.close()


class Wandb:
    """Offline without a key, or where the settings say so: then the run lies in the folder for `wandb sync`."""

    def __init__(self, spec: RunSpec, folder: Path, settings: TrackerSettings, secret: str) -> None:
        os.environ |= {
            "WANDB_SILENT": "true",
            "WANDB_CACHE_DIR": str(folder / "wandb-cache"),
            "WANDB_DISABLE_CODE": "true",
            "WANDB_DISABLE_GIT": "true",
            "WANDB_ERROR_REPORTING": "false",
            **({"WANDB_API_KEY": secret} if secret else {}),
            **({"WANDB_BASE_URL": settings.wandb_url} if settings.wandb_url else {}),
        }
        import wandb

        is_offline = settings.wandb_mode == "offline" or not secret
        self.note = f"Kept offline in {folder / 'wandb'}; send it with: wandb sync." if is_offline else ""
        self.run_id = spec.job_id
        self._run = wandb.init(
            project=settings.wandb_project,
            entity=settings.wandb_entity or None,
            id=spec.job_id,
            name=spec.output_name,
            resume=None if is_offline else "allow",
            dir=str(folder),
            config=config_of(spec),
            mode="offline" if is_offline else "online",
            settings=wandb.Settings(console="off", x_disable_stats=True, x_disable_machine_info=True),
        )

    def log(self, step: int, at: float, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def flush(self) -> None:
        """Its own process writes as it comes."""

    def close(self, outcome: str) -> None:
        self._run.finish(exit_code=1 if outcome == "failed" else 0)


class MlFlow:
    """On a tracking server, or in a folder of ours where none is named."""

    STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}  # noqa: RUF012 - a constant

    def __init__(self, spec: RunSpec, place: Path, settings: TrackerSettings, secret: str, run_id: str) -> None:
        if secret:
            os.environ["MLFLOW_TRACKING_TOKEN"] = secret
        # Its file store wants to be asked for since version 3; it needs no database, and we write a few lines a second.
        os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self._metric = Metric
        self._client = MlflowClient(tracking_uri=settings.mlflow_uri or place.as_uri())
        self.note = "" if settings.mlflow_uri else f"Look at it with: mlflow ui --backend-store-uri {place}."
        found = self._client.get_experiment_by_name(settings.mlflow_experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(settings.mlflow_experiment)
        self.run_id = run_id or self._client.create_run(experiment, run_name=spec.output_name).info.run_id
        self._client.update_run(self.run_id, status="RUNNING")
        if not run_id:
            params = [Param(name, str(value)[:500]) for name, value in config_of(spec).items()]
            self._client.log_batch(self.run_id, params=params)
        self._pending: list[Any] = []

    def log(self, step: int, at: float, values: dict[str, float]) -> None:
        self._pending += [self._metric(name, value, int(at * 1000), step) for name, value in values.items()]

    def flush(self) -> None:
        pending, self._pending = self._pending, []
        for start in range(0, len(pending), 500):  # more at once are refused
            self._client.log_batch(self.run_id, metrics=pending[start : start + 500])

    def close(self, outcome: str) -> None:
        if outcome in self.STATUS:
            self._client.set_terminated(self.run_id, self.STATUS[outcome])


class Trackio:
    """Local-first: its data stay in a folder of ours, where `trackio show` finds them with TRACKIO_DIR."""

    def __init__(self, spec: RunSpec, place: Path, settings: TrackerSettings) -> None:
        os.environ["TRACKIO_DIR"] = str(place)
        import trackio

        self.run_id = spec.job_id
        self.note = f"Look at it with: TRACKIO_DIR={place} trackio show."
        self._run = trackio.init(
            project=settings.trackio_project,
            name=spec.job_id,
            config=config_of(spec),
            resume="allow",
            auto_log_cpu=False,
            auto_log_gpu=False,
        )

    def log(self, step: int, at: float, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def flush(self) -> None:
        """Its own thread writes twice a second."""

    def close(self, outcome: str) -> None:
        self._run.finish()
