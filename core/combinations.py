"""What does not go together, and why: one table for `resolve`, the wizard, the command line and the docs. Pure.

A rule refuses a job, or says what `resolve` changes in it. The sentences hold the values and the next thing to do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.sentence import Sentence
from storage.methods import Adapter, Full, LowRank, Method, Prefix, Qlora
from storage.spec import JobSpec, ModelRef, Objective

#: Fewer tokens than this hold no question and answer.
LEAST_CONTEXT = 16


class Export(StrEnum):
    """What a finished job's output can be handed on as."""

    ADAPTER = "adapter"
    MODEL = "model"
    GGUF = "gguf"
    VLLM = "vllm"


EXPORTS = {
    Export.ADAPTER: "a PEFT adapter of its own",
    Export.MODEL: "a whole model with the changes merged into its weights",
    Export.GGUF: "a GGUF file for llama.cpp and Ollama",
    Export.VLLM: "an adapter that vLLM loads beside the base model",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a rule may look at. `model` is None while none is chosen."""

    spec: JobSpec
    model: ModelRef | None
    #: Whether the package bitsandbytes is installed.
    quantises: bool

    @property
    def method(self) -> Method:
        return self.spec.method

    @property
    def values(self) -> dict[str, Any]:
        """What a sentence may name."""
        model = {"limit": self.model.context_length, "model": self.model.name} if self.model else {}
        named = {**self.spec.dpo.model_dump(include={"loss"}), "devices": self.spec.devices}
        return {**self.method.model_dump(), **named, **model}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """`what` and `why` may name values in braces. `field` is the path in the spec of what would have to change."""

    what: str
    why: str
    #: The next thing to do; for a rule that changes something, what is done.
    instead: str
    field: str
    refuses: bool
    applies: Callable[[Setting], bool]

    def sentence(self, setting: Setting) -> str:
        named = setting.values
        what, why = Sentence(self.what, **named), Sentence(self.why, **named)
        return Sentence(
            "{what} cannot be: {why}. {instead}", what=what, why=why, instead=Sentence(self.instead, **named)
        )


def prefix_length(method: Method) -> int:
    """Tokens of the model's context that the method takes for itself."""
    return method.length if isinstance(method, Prefix) else 0


def can_checkpoint(method: Method) -> bool:
    """Whether activations may be computed twice instead of kept (gradient checkpointing)."""
    return not isinstance(method, Prefix)


def _leaves_no_context(setting: Setting) -> bool:
    limit = setting.model.context_length if setting.model else 0
    return bool(limit) and isinstance(setting.method, Prefix) and limit - setting.method.length < LEAST_CONTEXT


def _is_dpo(setting: Setting) -> bool:
    return setting.spec.objective is Objective.DPO


def _is_rft(setting: Setting) -> bool:
    return setting.spec.objective is Objective.RFT


QLORA_WITHOUT_ITS_PACKAGE = Rule(
    what="QLoRA without the package bitsandbytes",
    why="it holds the base model in 4 or 8 bits by that package, which is not installed here",
    instead="Run scripts/install, or choose LoRA.",
    field="method.kind",
    refuses=True,
    applies=lambda setting: isinstance(setting.method, Qlora) and not setting.quantises,
)
PREFIX_FILLS_THE_CONTEXT = Rule(
    what="A prefix of {length} virtual tokens with {model}",
    why=f"it leaves fewer than {LEAST_CONTEXT} of the model's {{limit}} tokens of context for text",
    instead="Choose a shorter prefix, or another method.",
    field="method.length",
    refuses=True,
    applies=_leaves_no_context,
)
REFERENCE_FREE_BY_ITSELF = Rule(
    what="The loss {loss} without a reference",
    why="it measures each answer against the reference, so it cannot be reference-free",
    instead="Choose sigmoid, or leave Reference-Free off.",
    field="dpo.reference_free",
    refuses=True,
    applies=lambda setting: (
        _is_dpo(setting) and setting.spec.dpo.reference_free and setting.spec.dpo.loss in ("apo_zero", "apo_down")
    ),
)
PREFIX_TAKES_CONTEXT = Rule(
    what="A prefix and the model's whole context",
    why="the prefix takes that many tokens of the model's context",
    instead="Max Context Length is lowered by its length.",
    field="hyperparameters.max_context_length",
    refuses=False,
    applies=lambda setting: isinstance(setting.method, Prefix),
)
PREFIX_WITHOUT_CHECKPOINTING = Rule(
    what="Prefix tuning with gradient checkpointing",
    why="the keys and values that hold the prefix are dropped when activations are computed again",
    instead="Activations are kept; where they do not fit, fewer tokens go through at once.",
    field="method.kind",
    refuses=False,
    applies=lambda setting: not can_checkpoint(setting.method),
)
FULL_NEEDS_FLOAT32 = Rule(
    what="Full fine-tuning with bfloat16 weights",
    why="a step is smaller than bfloat16 can add to a weight",
    instead="Weights are trained in float32 (4 bytes each, 16 with gradient and optimizer) and kept in bfloat16.",
    field="method.kind",
    refuses=False,
    applies=lambda setting: isinstance(setting.method, Full),
)
NO_DROPOUT_WITH_PAIRS = Rule(
    what="LoRA's dropout with preference pairs",
    why="dropout would be taken for a change from the reference",
    instead="Dropout is 0.",
    field="method.dropout",
    refuses=False,
    applies=lambda setting: _is_dpo(setting) and isinstance(setting.method, LowRank) and bool(setting.method.dropout),
)
NO_NOISE_WITH_PAIRS = Rule(
    what="NEFTune with preference pairs",
    why="noise would be taken for a change from the reference",
    instead="There is no noise.",
    field="hyperparameters.neftune_alpha",
    refuses=False,
    applies=lambda setting: _is_dpo(setting) and bool(setting.spec.hyperparameters.neftune_alpha),
)
IDLE_SMOOTHING = Rule(
    what="Label smoothing with another loss than robust",
    why="only the loss robust expects wrong labels",
    instead="Label smoothing is 0.",
    field="dpo.label_smoothing",
    refuses=False,
    applies=lambda setting: (
        _is_dpo(setting) and bool(setting.spec.dpo.label_smoothing) and setting.spec.dpo.loss != "robust"
    ),
)

REINFORCEMENT_ON_SEVERAL_DEVICES = Rule(
    what="Reinforcement on {devices} GPUs",
    why="in this version one process samples, grades and learns",
    instead="Ask for one GPU.",
    field="devices",
    refuses=True,
    applies=lambda setting: _is_rft(setting) and setting.spec.devices > 1,
)
NO_DROPOUT_WITH_SAMPLES = Rule(
    what="LoRA's dropout with sampled answers",
    why="with dropout another model would learn than the one that answered",
    instead="Dropout is 0.",
    field="method.dropout",
    refuses=False,
    applies=lambda setting: _is_rft(setting) and isinstance(setting.method, LowRank) and bool(setting.method.dropout),
)
NO_NOISE_WITH_SAMPLES = Rule(
    what="NEFTune with sampled answers",
    why="with noise another model would learn than the one that answered",
    instead="There is no noise.",
    field="hyperparameters.neftune_alpha",
    refuses=False,
    applies=lambda setting: _is_rft(setting) and bool(setting.spec.hyperparameters.neftune_alpha),
)
ANSWER_FILLS_THE_CONTEXT = Rule(
    what="Answers as long as the context",
    why="a prompt and its answer share the context",
    instead="Answers take half of it at most.",
    field="rft.max_completion_tokens",
    refuses=False,
    applies=lambda setting: (
        _is_rft(setting) and setting.spec.rft.max_completion_tokens >= setting.spec.hyperparameters.max_context_length
    ),
)

RULES = (
    QLORA_WITHOUT_ITS_PACKAGE,
    PREFIX_FILLS_THE_CONTEXT,
    REFERENCE_FREE_BY_ITSELF,
    PREFIX_TAKES_CONTEXT,
    PREFIX_WITHOUT_CHECKPOINTING,
    FULL_NEEDS_FLOAT32,
    NO_DROPOUT_WITH_PAIRS,
    NO_NOISE_WITH_PAIRS,
    IDLE_SMOOTHING,
    REINFORCEMENT_ON_SEVERAL_DEVICES,
    NO_DROPOUT_WITH_SAMPLES,
    NO_NOISE_WITH_SAMPLES,
    ANSWER_FILLS_THE_CONTEXT,
)


def objections(spec: JobSpec, model: ModelRef | None, *, quantises: bool) -> Iterator[tuple[str, str]]:
    """Field and sentence of every rule that refuses this job."""
    setting = Setting(spec=spec, model=model, quantises=quantises)
    for rule in RULES:
        if rule.refuses and rule.applies(setting):
            yield rule.field, rule.sentence(setting)


def export_objection(method: Method, export: Export) -> str:
    """Why this method's output cannot be handed on like that; empty where it can."""
    if export is Export.ADAPTER:
        return "Every weight was trained, so there is no adapter. Hand on the whole model." if _is_whole(method) else ""
    if isinstance(method, Prefix):
        return (
            "A prefix stands in the attention's cache and not in any weight, so neither merged weights, GGUF nor vLLM "
            "can hold it. Serve it here, or with PEFT; choose LoRA where it has to go elsewhere."
        )
    if isinstance(method, Adapter):
        return (
            "Adapter layers are not linear, so they cannot be merged into the weights, and GGUF and vLLM have no place "
            "for them. Serve them here, or with PEFT; choose LoRA where it has to go elsewhere."
        )
    if export is Export.VLLM and _is_whole(method):
        return "Every weight was trained, so there is no adapter: vLLM loads the whole model instead."
    if export is Export.VLLM and isinstance(method, LowRank) and method.dora:
        return "vLLM loads no DoRA adapter. Merge it, and let vLLM load the whole model."
    return ""


def _is_whole(method: Method) -> bool:
    return isinstance(method, Full)
