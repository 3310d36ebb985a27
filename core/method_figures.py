"""What each method would cost for one model on this machine: arithmetic, so every figure is shown as an estimate."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.estimate.memory import memory
from core.estimate.parameters import output_bytes, trainable_parameters
from core.estimate.traffic import a_pass_of
from core.hardware import Hardware
from storage.methods import Full, Method
from storage.spec import Compute, ModelRef

#: The same for all methods, so that the figures can be compared: what one forward pass takes at most.
PASS_TOKENS = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """`share` is of the model's own weights, 0 to 1. Memory is of the device that trains, `full_*` of training all."""

    trainable: int
    share: float
    memory_bytes: int
    full_memory_bytes: int
    output_bytes: int
    full_output_bytes: int

    @property
    def saved_memory(self) -> float:
        """Of what full fine-tuning takes, 0 to 1; negative where the method takes more."""
        return 1 - self.memory_bytes / self.full_memory_bytes


def figures_of(method: Method, model: ModelRef, hardware: Hardware) -> Figures:
    compute, traffic = _compute(hardware), a_pass_of(PASS_TOKENS)
    trainable = trainable_parameters(method, model)
    return Figures(
        trainable=trainable,
        share=trainable / model.parameters if model.parameters else 0.0,
        memory_bytes=memory(method, model, compute, traffic).needed_bytes,
        full_memory_bytes=memory(Full(), model, compute, traffic).needed_bytes,
        output_bytes=output_bytes(method, model),
        full_output_bytes=output_bytes(Full(), model),
    )


def figures(methods: Iterable[Method], model: ModelRef, hardware: Hardware) -> dict[str, Figures]:
    """By the method's kind."""
    return {method.kind: figures_of(method, model, hardware) for method in methods}


def _compute(hardware: Hardware) -> Compute:
    return Compute(
        device="cuda" if hardware.gpus else "cpu",
        threads=hardware.cores,
        weights_dtype="bfloat16" if hardware.gpus or hardware.fast_bfloat16 else "float32",
        micro_batch_tokens=PASS_TOKENS,
    )
