"""Saved settings: a file of the spec's fields under a name, for the wizard and for `tunesmith train --spec`.

What belongs to one job (its names, its model with its chat template, its datasets) is no part of them.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
import yaml

from core.errors import BadInput, NotFound, explain
from core.home import Home
from core.people import Actor
from core.train_command import as_yaml, asked_fields
from storage.files import write_atomic
from storage.spec import JobSpec, Objective

NAME = re.compile(r"[^\W_][\w .\-]{0,59}")
OF_ONE_JOB = ("model", "dataset", "start_from", "chat_template", "output_name", "job_id", "display_name")
SUFFIX = ".yaml"
#: A grader may hold a program; five of the largest chat templates fit as well.
LARGEST_BYTES = 1 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    spec: JobSpec


class Presets:
    def __init__(self, home: Home) -> None:
        self._folder = home.presets

    def all(self, objective: Objective) -> list[Preset]:
        """By name. A file that is no preset is left out, and logged."""
        found = []
        for path in sorted(self._folder.glob(f"[!.]*{SUFFIX}")):
            try:
                found.append(_read(path))
            except BadInput as error:
                log.warning("%s", error)
        return [preset for preset in found if preset.spec.objective is objective]

    def save(self, name: str, content: dict[str, Any], *, actor: Actor) -> None:
        """The wizard's settings under a name; what was there under that name is replaced. Raises BadInput."""
        path = self._path(name)
        try:
            spec = _spec(content)
        except pydantic.ValidationError as error:
            raise BadInput("These settings cannot be saved: {error}", error=explain(error)) from error
        fields = {key: value for key, value in asked_fields(spec).items() if key not in OF_ONE_JOB}
        fields.pop("evaluation", None)
        if spec.evaluation.kind != "dataset":
            fields["evaluation"] = spec.evaluation.model_dump(mode="json")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(path, as_yaml(fields).encode())
        log.info("%s saved the preset %s.", actor.email, name)

    def applied(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """The wizard's content with these settings, and with its own model and datasets. Raises StudioError."""
        path = self._path(name)
        if not path.is_file():
            raise NotFound("There is no preset “{name}” any more.", name=name)
        fields = _fields(path)
        preset = _read(path).spec.model_dump(mode="json")
        kept = (*OF_ONE_JOB, *(["evaluation"] if "evaluation" not in fields else []))
        return preset | {key: content[key] for key in kept if key in content}

    def delete(self, name: str, *, actor: Actor) -> None:
        self._path(name).unlink(missing_ok=True)
        log.info("%s deleted the preset %s.", actor.email, name)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadInput(
                "A preset cannot be called “{name}”. Take up to 60 letters, digits, spaces, dots and dashes.",
                name=name[:80],
            )
        return self._folder / f"{name}{SUFFIX}"


def _read(path: Path) -> Preset:
    """Somebody may have written the file by hand. Raises BadInput."""
    try:
        return Preset(path.name.removesuffix(SUFFIX), _spec(_fields(path)))
    except pydantic.ValidationError as error:
        raise BadInput("The preset {path} cannot be used: {error}", path=path, error=explain(error)) from error


def _fields(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            fields = yaml.safe_load(file.read(LARGEST_BYTES))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput("The preset {path} cannot be read: {error}", path=path, error=error) from error
    if not isinstance(fields, dict):
        raise BadInput("The preset {path} holds no fields.", path=path)
    return fields


def _spec(content: dict[str, Any]) -> JobSpec:
    """The settings alone; which model and dataset they are for is open."""
    settings = {key: value for key, value in content.items() if key not in OF_ONE_JOB}
    return JobSpec.model_validate(settings | {"model": "any", "dataset": "any"})
