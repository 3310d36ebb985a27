"""Where metrics may be sent besides our own pages, and how far that is: what the studio and a mirror share."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from storage.files import read_json, write_json
from storage.methods import Record

#: In a run's folder: what the mirrors keep, and their states.
FOLDER = "trackers"


class Tracker(StrEnum):
    WANDB = "wandb"
    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"
    TRACKIO = "trackio"


class TrackerSettings(Record):
    """Of this installation, for all its jobs. Keys are kept apart, encrypted."""

    wandb_project: str = Field(
        "tunesmith", min_length=1, max_length=128, pattern=r"^[\w.\-]+$", title="W&B Project",
        description="The project that runs are listed in",
    )  # fmt: skip
    wandb_entity: str = Field(
        "", max_length=128, pattern=r"^[\w.\-]*$", title="W&B Entity",
        description="A user or a team; empty = the key's owner",
    )  # fmt: skip
    wandb_mode: Literal["online", "offline"] = Field(
        "online", title="W&B Mode", description="offline: kept in the run's folder, to be sent with wandb sync"
    )  # fmt: skip
    wandb_url: str = Field(
        "", max_length=300, pattern=r"^$|^https?://[^\s/]+", title="W&B Server",
        description="Your own server; empty = wandb.ai",
    )  # fmt: skip
    mlflow_uri: str = Field(
        "", max_length=300, pattern=r"^$|^https?://[^\s/]+", title="MLflow Server",
        description="http://… of a tracking server; empty = kept in the data folder",
    )  # fmt: skip
    mlflow_experiment: str = Field(
        "tunesmith", min_length=1, max_length=128, pattern=r"^[\w.\- ]+$", title="MLflow Experiment",
        description="The experiment that runs are listed in",
    )  # fmt: skip
    trackio_project: str = Field(
        "tunesmith", min_length=1, max_length=128, pattern=r"^[\w.\-]+$", title="trackio Project",
        description="The project that runs are listed in",
    )  # fmt: skip


class MirrorState(Record):
    """How far one tracker has been told: up to byte `offset` of the events of `attempt`.

    `run_id` is the tracker's own name for the run, by which a further attempt goes on.
    """

    state: Literal["sending", "done", "failed"] = "sending"
    message: str = ""
    attempt: int = 1
    offset: int = 0
    run_id: str = ""

    @classmethod
    def read(cls, run: Path, tracker: Tracker) -> "MirrorState | None":
        found = read_json(cls.path(run, tracker))
        try:
            return cls.model_validate(found) if found is not None else None
        except ValidationError:
            return None  # of another version, or written by somebody else: begun again

    def write(self, run: Path, tracker: Tracker) -> None:
        path = self.path(run, tracker)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_json(path, self.model_dump())

    @staticmethod
    def path(run: Path, tracker: Tracker) -> Path:
        return run / FOLDER / f"{tracker}.json"
