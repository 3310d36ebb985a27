"""Custom models: what jobs have made here and what people brought, with where each comes from and what it scored."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.datasets.labels import MOST_TAGS, tags_of
from core.descent import Descent
from core.errors import BadInput, NotFound
from core.models.adapters import Adapter, Adapters
from core.people import Actor
from core.runs import Runs
from storage import manifest
from storage.event_log import read_events
from storage.events import Finished
from storage.files import read_json, write_json
from storage.run_folder import RunFolder
from storage.spec import Objective, StartRef
from storage.tables import Job

TAGS, CARD = "tags.json", "README.md"
#: Of a model card. Ours have 4 KB.
LONGEST_CARD = 256 * 1024


class Tags(BaseModel):
    """`tags.json` beside an output: outside of it, because what is sealed does not change."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    tags: Annotated[list[str], AfterValidator(tags_of), Field(max_length=MOST_TAGS)] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomModel:
    """`id` is the job's that made it, or an adapter's. `objective` is None for what was brought.

    `loss` and `eval_loss` are those of the jobs list; None where there are none.
    """

    id: str
    name: str
    title: str
    objective: Objective | None
    method: str
    base_id: str
    base_name: str
    dataset_id: str
    dataset_name: str
    created_at: datetime
    created_by: str
    loss: float | None
    eval_loss: float | None
    bytes: int
    tags: tuple[str, ...]

    def is_meant(self, words: str) -> bool:
        fields = (self.id, self.name, self.title, self.base_name, self.base_id, self.dataset_name, self.method)
        text = " ".join((*fields, *self.tags, self.created_by)).lower()
        return all(word in text for word in words.lower().split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """One custom model, looked at closely. `facts`: what its trainer measured last."""

    model: CustomModel
    base_revision: str
    base_is_here: bool
    dataset_sha256: str
    dataset_rows: int
    began: StartRef | None
    goes_on_in: tuple[Job, ...]
    facts: dict[str, float]
    card: str
    folder: Path


class CustomModels:
    """All methods may block: not for the event loop."""

    def __init__(self, runs: Runs, adapters: Adapters, descent: Descent) -> None:
        self._runs = runs
        self._adapters = adapters
        self._descent = descent

    def all(self, words: str = "") -> list[CustomModel]:
        """The newest first."""
        made = [self._of(job) for job in self._runs.tuned()]
        brought = [self._of_adapter(adapter) for adapter in self._adapters.all()]
        found = sorted(made + brought, key=lambda model: model.created_at, reverse=True)
        return [model for model in found if model.is_meant(words)]

    def get(self, model_id: str) -> CustomModel:
        """Raises NotFound where there is no such thing, or it is not finished."""
        if self._is_adapter(model_id):
            return self._of_adapter(self._adapters.get(model_id))
        job = self._runs.get(model_id)
        if not self._runs.folder(job.id).has_output():
            raise NotFound(
                "The job “{title}” has no finished output. Wait for it, or choose another model.", title=job.title
            )
        return self._of(job)

    def lineage(self, model_id: str, models: Path) -> Lineage:
        """`models` is the store of base models."""
        model = self.get(model_id)
        found = self._runs.before(model.id)
        base = read_json(models / found.model_id / "model.json") or {}
        run = None if model.objective is None else self._runs.folder(model.id)
        spec = run.spec() if run else None
        return Lineage(
            model=model,
            base_revision=found.model_revision,
            base_is_here=str(base.get("revision", "")) == found.model_revision,
            dataset_sha256=spec.dataset.sha256 if spec else "",
            dataset_rows=spec.dataset.rows if spec else 0,
            began=spec.start if spec else None,
            goes_on_in=self._descent.of(model.id),
            facts=_facts(run) if run else {},
            card=_card(found.output / CARD),
            folder=found.output,
        )

    def set_tags(self, model_id: str, tags: list[str], *, actor: Actor) -> CustomModel:
        """Everybody who sees a model may name it; so far that is one person. Raises BadInput."""
        del actor
        model = self.get(model_id)
        try:
            cleaned = Tags(tags=tags)
        except ValidationError as error:
            raise BadInput(
                "At most {most} tags fit on a model; {count} were given.", most=MOST_TAGS, count=len(tags)
            ) from error
        write_json(self._tags_of(model.id), cleaned.model_dump())
        return self.get(model_id)

    def _is_adapter(self, model_id: str) -> bool:
        return any(adapter.id == model_id for adapter in self._adapters.all())

    def _tags_of(self, model_id: str) -> Path:
        if self._is_adapter(model_id):
            folder = self._adapters.folder(model_id)
            return folder.with_name(f"{folder.name}.{TAGS}")
        return self._runs.folder(model_id).path / TAGS

    def _of_adapter(self, adapter: Adapter) -> CustomModel:
        folder = self._adapters.folder(adapter.id)
        return CustomModel(
            id=adapter.id,
            name=adapter.name,
            title=adapter.name,
            objective=None,
            method=adapter.method.kind,
            base_id=adapter.base_id,
            base_name=adapter.base_name,
            dataset_id="",
            dataset_name="",
            created_at=adapter.created_at,
            created_by=adapter.created_by_name,
            loss=None,
            eval_loss=None,
            bytes=manifest.size(folder),
            tags=_tags(folder.with_name(f"{folder.name}.{TAGS}")),
        )

    def _of(self, job: Job) -> CustomModel:
        folder = self._runs.folder(job.id)
        return CustomModel(
            id=job.id,
            name=job.output_name,
            title=job.title,
            objective=job.objective,
            method=job.method,
            base_id=job.model_id,
            base_name=job.model_name,
            dataset_id=job.dataset_id,
            dataset_name=job.dataset_name,
            created_at=job.ended_at or job.created_at,
            created_by=job.created_by_name,
            loss=job.loss,
            eval_loss=job.eval_loss,
            bytes=manifest.size(folder.output),
            tags=_tags(folder.path / TAGS),
        )


def _tags(path: Path) -> tuple[str, ...]:
    try:
        return tuple(Tags.model_validate(read_json(path) or {}).tags)
    except ValidationError:  # written by hand
        return ()


def _facts(folder: RunFolder) -> dict[str, float]:
    for attempt in reversed(list(folder.attempts())):
        for event in reversed(read_events(attempt.events).events):
            if isinstance(event, Finished):
                return dict(event.facts)
    return {}


def _card(path: Path) -> str:
    """As text: nobody renders a stranger's Markdown here."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_CARD).decode("utf-8", errors="replace")
    except OSError:
        return ""
