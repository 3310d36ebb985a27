"""What can be asked for by name, and where it is answered: on which base model, with which adapter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import BadInput, NotFound
from core.home import Home
from core.models.adapters import Adapters
from core.models.library import Models
from core.sentence import Sentence
from storage import deployments, manifest
from storage.database import Database
from storage.files import read_json
from storage.methods import Full, Method
from storage.retention import sealed
from storage.run_folder import RunFolder
from storage.serving import Engine, ServedAdapter
from storage.spec import ModelRef, RunSpec
from storage.tables import TargetKind

Kind = Literal["cpu", "cuda"]
#: More are found by their job's page, not by scrolling.
MOST_CHOICES = 100
ADAPTER_FILE = "adapter_config.json"
#: In an output that lies on top of another: that other, whole.
BENEATH = "start"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """`id` is a model's, a job's or an adapter's; `step` is a checkpoint's."""

    kind: TargetKind
    id: str
    step: int = 0

    @property
    def key(self) -> str:
        """A name for it that is free of anything but letters, digits, `.`, `-` and `_`."""
        return f"{self.kind.value}.{self.id}" + (f".{self.step}" if self.kind is TargetKind.CHECKPOINT else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a target is answered: equal bases share a worker. No adapter: the base itself answers."""

    base: "Base"
    adapter: ServedAdapter | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A model in memory. The whole of it is the key of its worker.

    `beneath`: the folder of another job's adapter that the worker merges into the model first.
    """

    model: ModelRef
    engine: Engine
    device: Kind
    beneath: str = ""

    @property
    def title(self) -> str:
        return self.model.name

    @property
    def bytes(self) -> int:
        """Of the weights on disk, which is about what they take in memory."""
        return sum(path.stat().st_size for path in Path(self.model.path).glob("*.safetensors"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressable:
    """Something that a request may name as its `model`. `created` in seconds since 1970."""

    name: str
    created: int
    owned_by: str


BaseFor = Callable[[ModelRef, dict[str, Any], Method | None], Base]


class Targets:
    """Looks at the library, at jobs and at their folders; call it in a thread."""

    def __init__(self, database: Database, home: Home, models: Models, adapters: Adapters) -> None:
        self._database = database
        self._home = home
        self._models = models
        self._adapters = adapters

    def find(self, asked: str) -> Target:
        """A model by id or public id, a job's output or an adapter by name or id, `…@step` for a checkpoint.

        Raises NotFound.
        """
        for info in self._models.all():
            if info.ready and asked in (info.id, info.public_id):
                return Target(kind=TargetKind.MODEL, id=info.id)
        with self._database.read() as session:
            if job := deployments.tuned(session, asked):
                return Target(kind=TargetKind.JOB, id=job.id)
            for adapter in self._adapters.all():
                if asked in (adapter.id, adapter.name):
                    return Target(kind=TargetKind.ADAPTER, id=adapter.id)
            name, at, step = asked.rpartition("@")
            job = deployments.tunable(session, name) if at and step.isdecimal() else None
        if job is None:
            raise NotFound("There is no model, finished job or checkpoint “{asked}”.", asked=asked[:200])
        found = Target(kind=TargetKind.CHECKPOINT, id=job.id, step=int(step))
        self._folder(found)
        return found

    def known(self, limit: int) -> list[Addressable]:
        """Models that are ready, and the outputs of the newest completed jobs."""
        found = []
        for info in self._models.all():
            if info.ready:
                created = int((self._home.models / info.id / manifest.NAME).stat().st_mtime)
                names = dict.fromkeys((info.id, info.public_id))
                found += [Addressable(name=name, created=created, owned_by=info.provider) for name in names if name]
        with self._database.read() as session:
            jobs = deployments.completed(session, limit)
        found += [
            Addressable(name=one.name, created=int(one.created_at.timestamp()), owned_by=one.created_by_email)
            for one in self._adapters.all()
        ]
        return found + [
            Addressable(name=job.output_name, created=int(job.created_at.timestamp()), owned_by=job.created_by_email)
            for job in jobs
        ]

    def choices(self) -> dict[str, str]:
        """The same for a person to choose from: what to ask for, and its title."""
        with self._database.read() as session:
            jobs = deployments.completed(session, MOST_CHOICES)
        tuned = {
            job.id: Sentence("{name} ({model}, job {id})", name=job.output_name, model=job.model_name, id=job.id)
            for job in jobs
            if RunFolder(self._home.runs / job.id).has_output()
        }
        brought = {
            one.id: Sentence("{name} ({model}, brought)", name=one.name, model=one.base_name)
            for one in self._adapters.all()
        }
        bases = {info.id: Sentence("{name} (base model)", name=info.name) for info in self._models.all() if info.ready}
        return {**tuned, **brought, **bases}

    def title(self, target: Target) -> str:
        """As a person reads it: “support-bot, step 200”."""
        if target.kind is TargetKind.MODEL:
            return next((info.name for info in self._models.all() if info.id == target.id), target.id)
        if target.kind is TargetKind.ADAPTER:
            return next((one.name for one in self._adapters.all() if one.id == target.id), target.id)
        spec = self._spec(target)
        name = spec.output_name if spec else target.id
        if target.kind is TargetKind.CHECKPOINT:
            return Sentence("{name}, step {step}", name=name, step=target.step)
        return name

    def place(self, target: Target, base_for: BaseFor) -> Place:
        """Raises NotFound where it is gone, BadInput where no engine can hold it. `base_for` says by what engine and on
        what device a model with that config.json would be loaded now."""

        def based(model: ModelRef, method: Method | None) -> Base:
            return base_for(model, read_json(Path(model.path) / "config.json") or {}, method)

        if target.kind is TargetKind.MODEL:
            return Place(base=based(self._models.get(target.id), None))
        if target.kind is TargetKind.ADAPTER:
            brought = self._adapters.get(target.id)
            model = self._base(brought.name, brought.base_id, brought.base_revision)
            folder = self._adapters.folder(target.id)
            return Place(base=based(model, brought.method), adapter=ServedAdapter(name=target.key, folder=str(folder)))
        spec, folder = self._spec(target), self._folder(target)
        if spec is None:
            raise NotFound("The job “{id}” is gone, so nothing of it can be asked any more.", id=target.id)
        if isinstance(spec.method, Full) or not (folder / ADAPTER_FILE).is_file():
            return Place(base=based(moved(spec.model, folder, target.key, spec.output_name), None))
        model, beneath = self._beneath(spec, target)
        adapter = ServedAdapter(name=target.key, folder=str(folder))
        return Place(base=replace(based(model, spec.method), beneath=beneath), adapter=adapter)

    def _beneath(self, spec: RunSpec, target: Target) -> tuple[ModelRef, str]:
        """The model that the adapter was put on, and the folder of an adapter that was merged into it before."""
        run = RunFolder(self._home.runs / target.id)
        lies_on = run.output / BENEATH
        if target.kind is TargetKind.CHECKPOINT and spec.start is not None:
            lies_on = run.start / BENEATH if spec.start.way == "continue" else run.start
        name = spec.start.name if spec.start else spec.model.name
        is_merged = (lies_on / ADAPTER_FILE).is_file()
        if lies_on.is_dir() and not is_merged:
            return moved(spec.model, lies_on, f"beneath.{target.id}", name), ""
        base = self._base(spec.output_name, spec.model.id, spec.model.revision)
        changes = {"chat_template": spec.model.chat_template}
        if not is_merged:
            return base.model_copy(update=changes), ""
        changes |= {"name": name, "revision": f"{base.revision}+{target.id}"}
        return base.model_copy(update=changes), str(lies_on)

    def _base(self, name: str, model_id: str, revision: str) -> ModelRef:
        """As the library describes it today, so that its adapters share a worker whatever they were trained by."""
        now = self._models.get(model_id)
        if now.revision != revision:
            raise BadInput(
                "“{name}” was trained on {model} of revision {revision}, and this machine has {here} by "
                "now. Bring the old one back, or train again.",
                name=name,
                model=now.name,
                revision=revision[:12],
                here=now.revision[:12],
            )
        return now

    def _folder(self, target: Target) -> Path:
        run = RunFolder(self._home.runs / target.id)
        if target.kind is TargetKind.CHECKPOINT:
            steps = sealed(run.checkpoints)
            if target.step not in steps:
                there = f"There are: {', '.join(map(str, sorted(steps)))}." if steps else "It has none."
                raise NotFound(
                    "“{id}” has no checkpoint of step {step}. {there}", id=target.id, step=target.step, there=there
                )
            return steps[target.step]
        if not manifest.is_sealed(run.output):
            raise NotFound(
                "The job “{id}” has no finished output. Choose a completed job, or a checkpoint by its step.",
                id=target.id,
            )
        return run.output

    def _spec(self, target: Target) -> RunSpec | None:
        run = RunFolder(self._home.runs / target.id)
        return run.spec() if (run.path / "spec.json").exists() else None


def moved(model: ModelRef, folder: Path, key: str, name: str) -> ModelRef:
    """A whole model of its own in the place of the one that it was tuned from."""
    revision = str((read_json(folder / manifest.NAME) or {}).get("sha256") or key)
    changes: dict[str, Any] = {"path": str(folder), "id": key, "name": name, "revision": revision}
    return model.model_copy(update=changes)
