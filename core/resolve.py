"""Turns what was asked into what will run, and lists every change with its reason. Pure arithmetic, no I/O."""

from dataclasses import dataclass

from core import estimate, resolve_dpo, turbo
from core.errors import BadInput
from core.hardware import Hardware
from storage.methods import Lora, Method
from storage.objectives import Dpo
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
    NoEvaluation,
    Objective,
)

MINIMUM_STEPS_PER_EPOCH = 10
#: Template tokens around one message pair, on top of the text.
TEMPLATE_TOKENS_PER_ROW = 30
#: Larger micro-batches gain nothing on a CPU; they only take memory.
MOST_MICRO_BATCH_TOKENS = 2048
LEAST_MICRO_BATCH_TOKENS = 64
#: The share of the free memory that activations may take.
MEMORY_SHARE = 0.5

COMING_OBJECTIVES = {
    Objective.RFT: "Reinforcement fine-tuning is coming; supervised (sft) and preference (dpo) run today.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    method: Method
    dpo: Dpo
    hyperparameters: Hyperparameters
    compute: Compute
    changes: tuple[Change, ...]


def resolve(spec: JobSpec, model: ModelRef, dataset: DatasetRef, hardware: Hardware) -> Resolved:
    """Raises BadInput for a combination that cannot run."""
    _require_offered(spec.objective, spec.method)
    changes: list[Change] = []
    asked, method, dpo = spec.hyperparameters, spec.method, spec.dpo
    if spec.objective is Objective.DPO:
        resolve_dpo.require_meaning(dpo)
        method = resolve_dpo.without_dropout(method, changes)
        asked = resolve_dpo.without_noise(asked, changes)
        dpo = resolve_dpo.without_idle_smoothing(dpo, changes)
    context = _context(asked.max_context_length, _texts_per_row(dataset), model, hardware, changes)
    batch = _batch(asked.batch_size, dataset, spec.evaluation, changes)
    _require_devices(spec.devices, dataset, hardware)
    compute = _compute(spec.devices, asked.micro_batch_tokens, model, hardware, changes)
    if spec.turbo:
        passes_asked = bool(asked.micro_batch_tokens)
        method, compute = turbo.faster(
            spec.objective, method, compute, hardware.packages, changes, passes_asked=passes_asked
        )
    eval_steps = _eval_steps(asked.eval_steps, spec.evaluation, changes)
    update = {"max_context_length": context, "batch_size": batch, "eval_steps": eval_steps}
    hyperparameters = asked.model_copy(update=update)
    return Resolved(
        method=method,
        dpo=dpo,
        hyperparameters=hyperparameters,
        compute=compute,
        changes=tuple(changes),
    )


def _require_offered(objective: Objective, method: Method) -> None:
    if objective in COMING_OBJECTIVES:
        raise BadInput(COMING_OBJECTIVES[objective])
    if not isinstance(method, Lora):
        raise BadInput(f"The method “{method.kind}” is coming; choose lora, which runs today.")


def _texts_per_row(dataset: DatasetRef) -> int:
    """A pair goes through the model as two: the prompt with either answer."""
    return 2 if dataset.kind is Kind.PREFERENCE else 1


def _context(asked: int, texts: int, model: ModelRef, hardware: Hardware, changes: list[Change]) -> int:
    """`texts` of this length have to fit together."""
    fits = int(_memory_bytes(hardware) * MEMORY_SHARE / estimate.activation_bytes_per_token(model) / texts)
    limits = (
        (model.context_length, "the model's limit"),
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


def _eval_steps(asked: int, evaluation: Evaluation, changes: list[Change]) -> int:
    if not asked or not isinstance(evaluation, NoEvaluation):
        return asked
    reason = "no examples are kept for evaluation"
    changes.append(Change(field="Evaluate Every N Steps", asked=str(asked), runs="0", reason=reason))
    return 0


def _compute(
    devices: int, asked_micro_batch: int, model: ModelRef, hardware: Hardware, changes: list[Change]
) -> Compute:
    return Compute(
        device="cuda" if hardware.gpus else "cpu",
        devices=devices,
        threads=max(1, hardware.cores // devices),
        weights_dtype="bfloat16" if hardware.gpus or hardware.fast_bfloat16 else "float32",
        micro_batch_tokens=_micro_batch(asked_micro_batch, model, hardware, changes),
    )


def _micro_batch(asked: int, model: ModelRef, hardware: Hardware, changes: list[Change]) -> int:
    fits = int(_memory_bytes(hardware) * MEMORY_SHARE / estimate.activation_bytes_per_token(model))
    most = max(LEAST_MICRO_BATCH_TOKENS, min(fits, MOST_MICRO_BATCH_TOKENS))
    if asked > most:
        reason = "more does not fit into this machine's free memory, or gains nothing (estimate)"
        changes.append(Change(field="Micro-Batch Size", asked=str(asked), runs=str(most), reason=reason))
    return min(asked, most) if asked else most


def _require_devices(asked: int, dataset: DatasetRef, hardware: Hardware) -> None:
    if hardware.gpu_error:
        raise BadInput(
            f"The driver does not say which GPUs there are ({hardware.gpu_error}), so nothing new can be started. "
            "Mend it (often a reboot after a driver update) and try again."
        )
    if hardware.gpus and asked > len(hardware.gpus):
        raise BadInput(f"{asked} GPUs were asked for, and this machine has {len(hardware.gpus)}.")
    if not hardware.gpus and asked > 1:
        raise BadInput(f"{asked} GPUs were asked for, and this machine has none: its processor is one device.")
    if asked > dataset.rows:
        raise BadInput(
            f"{asked} GPUs were asked for, and the dataset has {dataset.rows} rows: each GPU needs one a step."
        )


def _memory_bytes(hardware: Hardware) -> int:
    """Where a forward pass has to fit: on a GPU all of it, since a job has it alone."""
    return min((gpu.memory_bytes for gpu in hardware.gpus), default=hardware.available_bytes)
