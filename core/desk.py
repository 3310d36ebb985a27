"""Does what commands ask about datasets, and answers in a sentence."""

from core.datasets.changes import Fix
from core.datasets.deletion import Deletion
from core.datasets.hub import Hub
from core.datasets.intake import OnProgress
from core.datasets.library import Datasets
from core.datasets.versions import Versions
from core.errors import BadInput
from core.formats.options import ReadOptions
from core.inbox import Answer, Request
from core.people import Actor
from storage.tables import Dataset


class DatasetDesk:
    def __init__(self, datasets: Datasets, versions: Versions, deletion: Deletion, hub: Hub) -> None:
        self._datasets = datasets
        self._versions = versions
        self._deletion = deletion
        self._hub = hub

    def execute(self, request: Request, actor: Actor, on_progress: OnProgress) -> Answer:
        """Raises StudioError, and pydantic's ValidationError for fields that make no sense."""
        match request.kind:
            case "dataset-add" | "dataset-fetch":
                found = self._add(request, actor, on_progress)
                return Answer(dataset_id=found.id, said=added(found))
            case "dataset-fix":
                made = self._fix(request, actor)
                return Answer(dataset_id=made.id, said=f"{made.id} is version {made.version}: {made.made_by}.")
            case "dataset-restore":
                back = self._deletion.restore(request.dataset_id, actor=actor)
                return Answer(dataset_id=back.id, said=f"“{back.name}” version {back.version} is back.")
            case _:
                gone = self._deletion.delete(
                    request.dataset_id, actor=actor, all_versions=bool(request.fields.get("all_versions"))
                )
                versions = ", ".join(str(row.version) for row in gone)
                kept = "It lies in the trash for a week; `tunesmith datasets restore` brings it back."
                return Answer(
                    dataset_id=request.dataset_id, said=f"“{gone[0].name}” version {versions} is deleted. {kept}"
                )

    def _add(self, request: Request, actor: Actor, on_progress: OnProgress) -> Dataset:
        fields = dict(request.fields)
        name, options = fields.pop("name", None), ReadOptions.model_validate(fields.pop("options", {}))
        if request.kind == "dataset-fetch":
            return self._hub.add(
                str(fields["dataset"]),
                str(fields["file"]),
                revision=str(fields.get("revision", "main")),
                name=name,
                actor=actor,
                options=options,
                on_progress=on_progress,
            )
        if request.file is None:
            raise BadInput("Nothing to add: name a FILE of examples.")
        source = str(fields.get("source", ""))
        return self._datasets.add(
            request.file, name=name, actor=actor, options=options, on_progress=on_progress, source=source
        )

    def _fix(self, request: Request, actor: Actor) -> Dataset:
        asked = str(request.fields.get("fix"))
        if asked not in set(Fix):
            raise BadInput(f"There is no fix “{asked}”; choose one of {', '.join(Fix)}.")
        evaluation = str(request.fields.get("evaluation") or "")
        return self._versions.fix(request.dataset_id, Fix(asked), actor=actor, evaluation=evaluation)


def added(dataset: Dataset) -> str:
    """What came in, and what to do where not all of it is sound."""
    said = f"{dataset.id} is “{dataset.name}” version {dataset.version}: {dataset.rows:,} rows ({dataset.kind.value})"
    if not dataset.errors:
        return f"{said}, {dataset.warnings:,} with warnings." if dataset.warnings else f"{said}, all fine."
    return (
        f"{said}, {dataset.errors:,} with errors. Drop those before training: tunesmith datasets fix {dataset.id} "
        "drop-errors"
    )
