"""One search over everything that has a page: jobs, datasets, models, deployments."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.datasets.library import Datasets
from core.models.adapters import Adapters
from core.models.library import Models
from core.people import Actor
from core.runs import Runs
from core.sentence import Sentence
from core.serving.deployments import Deployments
from storage.spec import Objective
from storage.status import Status

#: Of each kind.
MOST = 5

Kind = Literal["job", "dataset", "model", "adapter", "deployment"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """`id` is what its page goes by; `status` and `objective` are a job's."""

    kind: Kind
    id: str
    title: str
    detail: str
    status: Status | None = None
    objective: Objective = Objective.SFT


class Finder:
    def __init__(
        self, runs: Runs, datasets: Datasets, models: Models, adapters: Adapters, deployments: Deployments
    ) -> None:
        self._runs = runs
        self._datasets = datasets
        self._models = models
        self._adapters = adapters
        self._deployments = deployments

    def find(self, words: str, *, actor: Actor) -> list[Hit]:
        """Every word occurs in what is found. Without words: the newest of each. Blocking."""
        return [
            *self._jobs(words),
            *self._found_datasets(words, actor),
            *_named(self._found_models(), words),
            *_named(self._found_deployments(), words),
        ]

    def _jobs(self, words: str) -> list[Hit]:
        return [
            Hit(
                kind="job",
                id=job.id,
                title=job.title,
                detail=f"{job.model_name} · {job.dataset_name}",
                status=job.status,
                objective=job.objective,
            )
            for job in self._runs.named(words, MOST)
        ]

    def _found_datasets(self, words: str, actor: Actor) -> list[Hit]:
        found = self._datasets.named(words, MOST, actor=actor)
        rows = "{count:,} row | {count:,} rows"
        return [Hit(kind="dataset", id=row.id, title=row.name, detail=Sentence(rows, count=row.rows)) for row in found]

    def _found_models(self) -> Iterable[Hit]:
        for model in self._models.all():
            yield Hit(kind="model", id=model.id, title=model.name, detail=model.public_id)
        for adapter in self._adapters.all():
            yield Hit(kind="adapter", id=adapter.id, title=adapter.name, detail=Sentence("An adapter that was brought"))

    def _found_deployments(self) -> Iterable[Hit]:
        for row in self._deployments.rows():
            yield Hit(
                kind="deployment",
                id=row.name,
                title=row.name,
                detail=Sentence("Answers with {target}", target=row.target_id),
            )


def _named(hits: Iterable[Hit], words: str) -> list[Hit]:
    wanted = words.lower().split()
    found = (hit for hit in hits if all(word in f"{hit.title} {hit.id} {hit.detail}".lower() for word in wanted))
    return list(found)[:MOST]
