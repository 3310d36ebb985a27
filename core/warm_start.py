"""Going on from a job's output or checkpoint, or a brought adapter: how a method begins there, and what is taken."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import start_folder
from core.errors import BadInput
from core.home import Home
from core.models.adapters import brought_adapter
from storage.methods import Full, LowRank, Method, Qlora
from storage.retention import sealed
from storage.run_folder import RunFolder
from storage.spec import START_PATTERN, JobSpec, ModelRef, RunSpec, StartRef, Way

#: What two adapters have to share for the one to be trained on as the other. Dropout and bits only matter in training.
SAME = ("rank", "alpha", "targets", "rslora", "dora", "length", "size", "activation", "placement")


def way_on(before: Method, now: Method) -> Way:
    """How `now` begins where `before` ended. Raises BadInput with the reason where it cannot."""
    if isinstance(before, Full):
        return Way.WEIGHTS
    is_same_kind = before.kind == now.kind or (isinstance(before, LowRank) and isinstance(now, LowRank))
    if is_same_kind and _shape(before) == _shape(now):
        return Way.CONTINUE
    keep = "Keep its method and parameters (" + ", ".join(f"{name} {value}" for name, value in _shape(before)) + ")"
    if not isinstance(before, LowRank):
        raise BadInput(
            "An output of the method {kind} cannot be merged into the weights, so another method cannot begin on "
            "top of it. {keep}, or begin with the base model.",
            kind=before.kind,
            keep=keep,
        )
    if isinstance(now, Qlora):
        raise BadInput(
            "QLoRA packs the base model's weights as they are read, so the other job's adapter cannot be merged "
            "into them. {keep}, or choose LoRA.",
            keep=keep,
        )
    return Way.MERGE


@dataclass(frozen=True, slots=True)
class Before:
    """What can be gone on from: a job's output or checkpoint, or an adapter that somebody brought.

    `step` is the checkpoint's, 0 without one. `beneath`: what a checkpoint's adapter lies on top of.
    """

    id: str
    job_id: str
    name: str
    method: Method
    model_id: str
    model_name: str
    model_revision: str
    output: Path
    step: int = 0
    beneath: Path | None = None


def before(start_from: str, home: Home) -> Before:
    """Raises BadInput where there is no such thing. `start_from` may come out of an address."""
    job_id, at, step = start_from.partition("@")
    is_start = bool(start_from) and re.fullmatch(START_PATTERN, start_from) is not None
    folder = RunFolder(home.runs / job_id)
    if is_start and at:
        return _checkpoint(folder, int(step))
    if is_start and folder.has_output():
        run = folder.spec()
        return _of(run, run.output_name, folder.output)
    if is_start and (brought := brought_adapter(home.adapters / start_from)) is not None:
        base = (brought.base_id, brought.base_name, brought.base_revision)
        return Before(brought.id, brought.id, brought.name, brought.method, *base, home.adapters / brought.id)
    raise BadInput(
        "“{start}” has no finished output to go on from. Choose a completed job or an adapter, or leave "
        "start_from empty to begin with the base model.",
        start=start_from[:80],
    )


def _checkpoint(folder: RunFolder, step: int) -> Before:
    if not (folder.path / "spec.json").exists():
        raise BadInput(
            "The job “{job_id}” is gone, with its checkpoints. Choose another to go on from.", job_id=folder.job_id
        )
    whole = sealed(folder.checkpoints)
    if step not in whole:
        there = f"There are: {', '.join(map(str, sorted(whole)))}." if whole else "It has none."
        raise BadInput(
            "The job “{job_id}” has no checkpoint of step {step}; it may have been removed meanwhile. {there}",
            job_id=folder.job_id,
            step=step,
            there=there,
        )
    run = folder.spec()
    found = _of(run, f"{run.output_name}, step {step}", whole[step])
    return replace(found, id=f"{found.id}@{step}", step=step, beneath=folder.lies_on(run))


def _of(run: RunSpec, name: str, output: Path) -> Before:
    base = run.model
    return Before(run.job_id, run.job_id, name, run.method, base.id, base.name, base.revision, output)


def start_of(spec: JobSpec, model: ModelRef, home: Home) -> StartRef | None:
    """What the job begins with, pinned. Raises BadInput where there is none, or it does not fit."""
    if not spec.start_from:
        return None
    found = before(spec.start_from, home)
    if found.model_id != model.id or found.model_revision != model.revision:
        raise BadInput(
            "“{start}” was made of {model_name} ({model_id}), not of this {name}. Choose the model {model_id}.",
            start=spec.start_from,
            model_name=found.model_name,
            model_id=found.model_id,
            name=model.name,
        )
    return StartRef(
        job_id=found.job_id,
        step=found.step,
        name=found.name,
        method=found.method,
        way=way_on(found.method, spec.method),
        sha256=start_folder.digest(found.output, found.step, found.beneath),
    )


def completed(fields: dict[str, Any], before: Before) -> dict[str, Any]:
    """A command's fields with the model and the method's parameters of what is gone on from."""
    method = fields.get("method") or {}
    if isinstance(method, dict) and method.get("kind", before.method.kind) == before.method.kind:
        fields = {**fields, "method": before.method.model_dump() | method}
    return {"model": before.model_id, **fields}


def take(start: StartRef, home: Home, into: RunFolder) -> None:
    """Put it into the new run's folder, which from then on needs the other job no more. Raises StudioError."""
    found = before(start.address, home)
    start_folder.take(found.output, found.step, found.beneath, into.start)
    if start_folder.digest(into.start) != start.sha256:
        raise BadInput("“{address}” has just been replaced. Try again.", address=start.address)


def _shape(method: Method) -> tuple[tuple[str, object], ...]:
    return tuple((name, getattr(method, name)) for name in SAME if hasattr(method, name))
