"""Turns what was asked into what will run, and lists every change with its reason. Pure arithmetic, no I/O."""

from dataclasses import dataclass

from core import combinations, resolve_dpo, resolve_rft, turbo
from core.errors import BadInput
from core.estimate.activations import bytes_per_token
from core.estimate.traffic import TEMPLATE_TOKENS_PER_ROW
from core.hardware import Hardware
from core.resolve_stopping import judged, with_best_kept
from storage.methods import Method, Prefix
from storage.objectives import Dpo, Rft
from storage.retention import Checkpointing
from storage.rows import Kind
from storage.spec import (
    Change,
    Compute,
    DatasetRef,
    Evaluation,
    HoldOut,
    Hyperparameters,
    JobSpec,
    ModelRef,
    Objective,
)

MINIMUM_STEPS_PER_EPOCH = 10
#: Larger micro-batches gain nothing on a CPU; they only take memory.
MOST_MICRO_BATCH_TOKENS = 2048
LEAST_MICRO_BATCH_TOKENS = 64
#: The share of the free memory that activations may take.
MEMORY_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    method: Method
    dpo: Dpo
    rft: Rft
    hyperparameters: Hyperparameters
    compute: Compute
    checkpoints: Checkpointing
    changes: tuple[Change, ...]


def resolve(spec: JobSpec, model: ModelRef, dataset: DatasetRef, hardware: Hardware) -> Resolved:
    """Raises BadInput for a combination that cannot run."""
    for _, sentence in combinations.objections(spec, model, quantises=hardware.quantises):
        raise BadInput(sentence)
    changes: list[Change] = []
    asked, method, dpo, rft = spec.hyperparameters, spec.method, spec.dpo, spec.rft
    if spec.objective is Objective.DPO:
        method, asked = resolve_dpo.without_noise(method, asked, changes)
        dpo = resolve_dpo.without_idle_smoothing(dpo, changes)
    if spec.objective is Objective.RFT:
        method, asked = resolve_rft.without_noise(method, asked, changes)
    _require_devices(spec.devices, dataset, hardware)
    compute = _compute(spec.devices, _checkpointing(asked, method, changes), hardware)
    fits = int(_memory_bytes(hardware) * MEMORY_SHARE / bytes_per_token(method, model, compute))
    context = _context(asked.max_context_length, fits // _texts_per_row(dataset), method, model, hardware, changes)
    batch = asked.batch_size
    if spec.objective is Objective.RFT:
        rft = resolve_rft.with_room_for_prompts(rft, context, changes)
        changes.append(resolve_rft.in_prompts(rft, asked))
    else:
        batch = _batch(batch, dataset, spec.evaluation, changes)
    micro_batch = _micro_batch(asked.micro_batch_tokens, fits, changes)
    compute = compute.model_copy(update={"micro_batch_tokens": micro_batch})
    if spec.turbo:
        passes_asked = bool(asked.micro_batch_tokens)
        method, compute = turbo.faster(
            spec.objective, method, compute, hardware.packages, changes, passes_asked=passes_asked
        )
    asked = judged(asked, spec.evaluation, changes)
    checkpoints = with_best_kept(spec.checkpoints, asked, changes)
    hyperparameters = asked.model_copy(update={"max_context_length": context, "batch_size": batch})
    return Resolved(
        method=method,
        dpo=dpo,
        rft=rft,
        hyperparameters=hyperparameters,
        compute=compute,
        checkpoints=checkpoints,
        changes=tuple(changes),
    )


def _texts_per_row(dataset: DatasetRef) -> int:
    """A pair goes through the model as two: the prompt with either answer."""
    return 2 if dataset.kind is Kind.PREFERENCE else 1


def _context(asked: int, fits: int, method: Method, model: ModelRef, hardware: Hardware, changes: list[Change]) -> int:
    """`fits` tokens of one text go through at once."""
    prefix = combinations.prefix_length(method)
    limits = (
        (model.context_length - prefix, "the model's limit" + (f", less the prefix of {prefix}" if prefix else "")),
        (
            fits,
            "what fits into this machine's free memory (estimate)"
            if not hardware.gpus
            else "what fits into the GPU (estimate)",
        ),
    )
    limit, reason = min(limits)
    if asked <= limit:
        return asked
    changes.append(Change(field="Max Context Length", asked=str(asked), runs=str(limit), reason=reason))
    return limit


def _batch(asked: int, dataset: DatasetRef, evaluation: Evaluation, changes: list[Change]) -> int:
    tokens = dataset.tokens_estimate + dataset.rows * _texts_per_row(dataset) * TEMPLATE_TOKENS_PER_ROW
    trained = int(tokens * (1 - evaluation.share)) if isinstance(evaluation, HoldOut) else tokens
    most = max(trained // MINIMUM_STEPS_PER_EPOCH, 64)
    if asked <= most:
        return asked
    reason = (
        f"about {trained:,} training tokens (estimate) would give fewer than {MINIMUM_STEPS_PER_EPOCH} steps an epoch"
    )
    changes.append(Change(field="Batch Size", asked=str(asked), runs=str(most), reason=reason))
    return most


def _checkpointing(asked: Hyperparameters, method: Method, changes: list[Change]) -> bool:
    if not asked.gradient_checkpointing or not isinstance(method, Prefix):
        return asked.gradient_checkpointing
    reason = "layers that are computed again have lost the prefix"
    changes.append(Change(field="Gradient Checkpointing", asked="On", runs="Off", reason=reason))
    return False


def _compute(devices: int, checkpointing: bool, hardware: Hardware) -> Compute:
    """Without the micro-batch, which depends on it."""
    return Compute(
        device="cuda" if hardware.gpus else "cpu",
        devices=devices,
        threads=max(1, hardware.cores // devices),
        weights_dtype="bfloat16" if hardware.gpus or hardware.fast_bfloat16 else "float32",
        micro_batch_tokens=0,
        gradient_checkpointing=checkpointing,
    )


def _micro_batch(asked: int, fits: int, changes: list[Change]) -> int:
    most = max(LEAST_MICRO_BATCH_TOKENS, min(fits, MOST_MICRO_BATCH_TOKENS))
    if asked > most:
        reason = "more does not fit into this machine's free memory, or gains nothing (estimate)"
        changes.append(Change(field="Micro-Batch Size", asked=str(asked), runs=str(most), reason=reason))
    return min(asked, most) if asked else most


def _require_devices(asked: int, dataset: DatasetRef, hardware: Hardware) -> None:
    if hardware.gpu_error:
        raise BadInput(
            "The driver does not say which GPUs there are ({gpu_error}), so nothing new can be started. Mend it "
            "(often a reboot after a driver update) and try again.",
            gpu_error=hardware.gpu_error,
        )
    if hardware.gpus and asked > len(hardware.gpus):
        raise BadInput(
            "{asked} GPUs were asked for, and this machine has {count}.", asked=asked, count=len(hardware.gpus)
        )
    if not hardware.gpus and asked > 1:
        raise BadInput(
            "{asked} GPUs were asked for, and this machine has none: its processor is one device.", asked=asked
        )
    if asked > dataset.rows:
        raise BadInput(
            "{asked} GPUs were asked for, and the dataset has {rows} rows: each GPU needs one a step.",
            asked=asked,
            rows=dataset.rows,
        )


def _memory_bytes(hardware: Hardware) -> int:
    """Where a forward pass has to fit: on a GPU all of it, since a job has it alone."""
    return min((gpu.memory_bytes for gpu in hardware.gpus), default=hardware.available_bytes)
