"""Trackers: which are asked for, what each needs here, and this installation's settings for them."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from core.errors import BadInput
from core.sentence import Sentence
from core.vault import Vault
from storage.files import read_json, write_json
from storage.spec import JobSpec
from storage.trackers import MirrorState, Tracker, TrackerSettings

TITLES = {
    Tracker.WANDB: "Weights & Biases",
    Tracker.TENSORBOARD: "TensorBoard",
    Tracker.MLFLOW: "MLflow",
    Tracker.TRACKIO: "trackio",
}
#: As in the extras of pyproject.toml.
PACKAGES = {
    Tracker.WANDB: "wandb",
    Tracker.TENSORBOARD: "tensorboard",
    Tracker.MLFLOW: "mlflow-skinny",
    Tracker.TRACKIO: "trackio",
}


@dataclass(frozen=True, slots=True)
class TrackerNews:
    """For the job page: how far one tracker is."""

    tracker: Tracker
    state: str
    message: str


class Tracking:
    """All methods may block: not for the event loop."""

    def __init__(self, home: Path) -> None:
        self._path = home / "trackers.json"
        self.vault = Vault(home)

    def settings(self) -> TrackerSettings:
        """The defaults where nothing was ever set. Raises BadInput where the file is damaged."""
        found = read_json(self._path)
        if found is None:
            return TrackerSettings()
        try:
            return TrackerSettings.model_validate(found)
        except ValidationError as error:
            raise BadInput(
                "{path} is damaged ({error}). Mend it, or delete it to begin anew.",
                path=self._path,
                error=_first(error),
            ) from error

    def change(self, news: Mapping[str, str]) -> TrackerSettings:
        """Raises BadInput naming the field that cannot be so."""
        try:
            settings = TrackerSettings.model_validate({**self.settings().model_dump(), **news})
        except ValidationError as error:
            raise BadInput("{error}. Nothing was changed.", error=_first(error)) from error
        write_json(self._path, settings.model_dump())
        return settings

    def hint(self, tracker: Tracker) -> str:
        """What a person has to do before this tracker works as one expects; empty where nothing."""
        if importlib.util.find_spec(tracker.value) is None:
            missing = "Not installed here; into the studio's own environment: pip install {package}."
            return Sentence(missing, package=PACKAGES[tracker])
        if tracker is Tracker.WANDB and self.settings().wandb_mode == "online" and "wandb" not in self.vault.names():
            return "No key is stored, so runs are kept offline. Store one with: tunesmith secrets set wandb."
        return ""


def asked(spec: JobSpec) -> tuple[Tracker, ...]:
    """Each once, in the order of the form."""
    wanted = {*spec.trackers, *([Tracker.WANDB] if spec.wandb else [])}
    return tuple(tracker for tracker in Tracker if tracker in wanted)


def news_of(run: Path, trackers: tuple[Tracker, ...]) -> tuple[TrackerNews, ...]:
    found = []
    for tracker in trackers:
        state = MirrorState.read(run, tracker)
        found.append(TrackerNews(tracker, state.state if state else "waiting", state.message if state else ""))
    return tuple(found)


def _first(error: ValidationError) -> str:
    details = error.errors()[0]
    name = ".".join(map(str, details["loc"]))
    field = TrackerSettings.model_fields.get(name)
    return f"{name} cannot be “{str(details['input'])[:80]}”" if field else f"There is no setting “{name[:80]}”"
