"""Going on from a job's output, or a brought adapter: how a method can begin there, and from what it is taken."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.home import Home
from core.models.adapters import brought_adapter
from storage import manifest
from storage.methods import Full, LowRank, Method, Qlora
from storage.run_folder import RunFolder
from storage.spec import JOB_ID_PATTERN, JobSpec, ModelRef, StartRef, Way

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
            f"An output of the method {before.kind} cannot be merged into the weights, so another method cannot begin "
            f"on top of it. {keep}, or begin with the base model."
        )
    if isinstance(now, Qlora):
        raise BadInput(
            "QLoRA packs the base model's weights as they are read, so the other job's adapter cannot be merged into "
            f"them. {keep}, or choose LoRA."
        )
    return Way.MERGE


@dataclass(frozen=True, slots=True)
class Before:
    """What can be gone on from: a job's output, or an adapter that somebody brought."""

    id: str
    name: str
    method: Method
    model_id: str
    model_name: str
    model_revision: str
    output: Path


def before(start_from: str, home: Home) -> Before:
    """Raises BadInput where there is no such thing. `start_from` may come out of an address."""
    is_id = re.fullmatch(JOB_ID_PATTERN, start_from) is not None
    folder = RunFolder(home.runs / start_from)
    if is_id and folder.has_output():
        run = folder.spec()
        base = run.model
        return Before(start_from, run.output_name, run.method, base.id, base.name, base.revision, folder.output)
    if is_id and (brought := brought_adapter(home.adapters / start_from)) is not None:
        return Before(
            brought.id,
            brought.name,
            brought.method,
            brought.base_id,
            brought.base_name,
            brought.base_revision,
            home.adapters / brought.id,
        )
    raise BadInput(
        f"“{start_from[:80]}” has no finished output to go on from. Choose a completed job or an adapter, or leave "
        "start_from empty to begin with the base model."
    )


def start_of(spec: JobSpec, model: ModelRef, home: Home) -> StartRef | None:
    """What the job begins with, pinned. Raises BadInput where there is none, or it does not fit."""
    if not spec.start_from:
        return None
    found = before(spec.start_from, home)
    if found.model_id != model.id or found.model_revision != model.revision:
        raise BadInput(
            f"“{spec.start_from}” was made of {found.model_name} ({found.model_id}), not of this {model.name}. "
            f"Choose the model {found.model_id}."
        )
    return StartRef(
        job_id=spec.start_from,
        name=found.name,
        method=found.method,
        way=way_on(found.method, spec.method),
        sha256=digest(found.output),
    )


def completed(fields: dict[str, Any], before: Before) -> dict[str, Any]:
    """A command's fields with the model and the method's parameters of what is gone on from."""
    method = fields.get("method") or {}
    if isinstance(method, dict) and method.get("kind", before.method.kind) == before.method.kind:
        fields = {**fields, "method": before.method.model_dump() | method}
    return {"model": before.model_id, **fields}


def digest(output: Path) -> str:
    """Of the manifest, which holds the sha256 of every file."""
    return hashlib.sha256((output / manifest.NAME).read_bytes()).hexdigest()


def take(start: StartRef, home: Home, into: RunFolder) -> None:
    """Put the output into the new run's folder, which from then on needs the other job no more. Raises BadInput."""
    manifest.link(before(start.job_id, home).output, into.start)
    if digest(into.start) != start.sha256:
        raise BadInput(f"The output of “{start.job_id}” has just been replaced. Try again.")


def _shape(method: Method) -> tuple[tuple[str, object], ...]:
    return tuple((name, getattr(method, name)) for name in SAME if hasattr(method, name))
