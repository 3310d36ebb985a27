"""What would make a run fit: one change at a time, each with its new estimate. Nothing is applied without consent."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.estimate.calibration import Calibration
from core.estimate.outlook import Outlook, Verdict, look_ahead
from core.estimate.traffic import Counted, traffic_of
from core.hardware import Hardware
from storage.methods import Lora, Prefix, Qlora
from storage.rows import Kind
from storage.spec import RunSpec

LEAST_MICRO_BATCH, LEAST_CONTEXT = 64, 64
#: A step that leaves more than this of the need is not worth offering.
NOTICEABLE = 0.97


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """`field` of the spec set to `value`. `costs` says what it takes in return."""

    field: str
    value: Any
    label: str
    costs: str
    memory_bytes: int
    verdict: Verdict


def ladder(
    run: RunSpec, outlook: Outlook, machine: Hardware, counted: Counted | None, calibration: Calibration
) -> tuple[Rung, ...]:
    """The cheapest first. Empty where the run fits; a step that saves nothing worth the name is left out."""
    if outlook.verdict is Verdict.FITS:
        return ()
    found = []
    for field, value, label, costs, changed in _steps(run, counted):
        after = look_ahead(changed, machine, counted, calibration)
        if after.needed_bytes < outlook.needed_bytes * NOTICEABLE:
            rung = Rung(
                field=field, value=value, label=label, costs=costs,
                memory_bytes=after.needed_bytes, verdict=after.verdict,
            )  # fmt: skip
            found.append(rung)
    return tuple(found)


def _steps(run: RunSpec, counted: Counted | None) -> Iterator[tuple[str, Any, str, str, RunSpec]]:
    """Field, value, label, costs, and the run with it."""
    asked, compute = run.hyperparameters, run.compute
    for tokens in _smaller_passes(run, counted):
        yield (
            "hyperparameters.micro_batch_tokens", tokens, f"Micro-batch of {tokens:,} tokens",
            "more and smaller passes a step; the steps stay the same",
            run.model_copy(update={"compute": compute.model_copy(update={"micro_batch_tokens": tokens})}),
        )  # fmt: skip
    if not compute.gradient_checkpointing and not isinstance(run.method, Prefix):
        yield (
            "hyperparameters.gradient_checkpointing", True, "Gradient checkpointing",
            "about a third more time",
            run.model_copy(update={"compute": compute.model_copy(update={"gradient_checkpointing": True})}),
        )  # fmt: skip
    if isinstance(run.method, Lora):
        method = Qlora(**run.method.model_dump(exclude={"kind"}))
        yield (
            "method.kind", "qlora", "QLoRA: the frozen weights in 4 bits", "a little accuracy of the frozen weights",
            run.model_copy(update={"method": method}),
        )  # fmt: skip
    if asked.max_context_length > LEAST_CONTEXT:
        shorter = max(LEAST_CONTEXT, min(asked.max_context_length, _longest(run, counted)) // 2)
        yield (
            "hyperparameters.max_context_length", shorter, f"Context of {shorter:,} tokens",
            "longer examples lose their end",
            run.model_copy(update={"hyperparameters": asked.model_copy(update={"max_context_length": shorter})}),
        )  # fmt: skip


def _smaller_passes(run: RunSpec, counted: Counted | None) -> Iterator[int]:
    """Half of it, and as small as the longest row lets it be."""
    least = max(LEAST_MICRO_BATCH, _longest(run, counted))
    now = run.compute.micro_batch_tokens
    if least < now:
        half = max(least, now // 2)
        yield half
        if least < half:
            yield least


def _longest(run: RunSpec, counted: Counted | None) -> int:
    sides = 2 if run.dataset.kind is Kind.PREFERENCE else 1
    return traffic_of(run, counted).width * sides
