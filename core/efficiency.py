"""What a run's method saves: what it trains, keeps and takes, beside full fine-tuning of the same model. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.estimate.memory import memory
from core.estimate.parameters import output_bytes, trainable_parameters
from core.estimate.traffic import traffic_of
from storage.methods import Full
from storage.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Figure:
    """`measured` of this very run; else estimated before it."""

    value: float
    measured: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Efficiency:
    """Counts, bytes, tokens a second and seconds. None for what nobody can say yet. `full_*` are estimates."""

    trainable: Figure
    total: int
    output_bytes: Figure
    peak_memory_bytes: Figure | None
    tokens_per_second: Figure | None
    step_seconds: Figure | None
    full_output_bytes: int
    full_memory_bytes: int

    @property
    def share(self) -> float:
        """Of all weights, 0 to 1."""
        return self.trainable.value / self.total if self.total else 0.0


def efficiency(run: RunSpec, told: Mapping[str, float], kept_bytes: int | None) -> Efficiency:
    """`told`: what the trainer has measured so far, by name; `kept_bytes`: of the weights in the output, once there."""
    trainable, total = told.get("trainable_parameters"), told.get("total_parameters")
    size = Figure(kept_bytes, True) if kept_bytes else Figure(output_bytes(run.method, run.model), False)
    return Efficiency(
        trainable=_measured(told, "trainable_parameters") or Figure(trainable_parameters(run.method, run.model), False),
        # PEFT counts the adapter with the model; the share is of the model's own weights.
        total=_own(trainable, total, run) if trainable and total else run.model.parameters,
        output_bytes=size,
        peak_memory_bytes=_measured(told, "peak_memory_bytes"),
        tokens_per_second=_measured(told, "tokens_per_second"),
        step_seconds=_measured(told, "step_seconds"),
        full_output_bytes=output_bytes(Full(), run.model),
        full_memory_bytes=memory(Full(), run.model, run.compute, traffic_of(run)).peak_bytes(run.compute),
    )


def _measured(told: Mapping[str, float], name: str) -> Figure | None:
    return Figure(told[name], True) if told.get(name) else None


def _own(trainable: float, total: float, run: RunSpec) -> int:
    return int(total if isinstance(run.method, Full) else total - trainable)
