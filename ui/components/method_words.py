"""What the five methods are called, in whose colour they are shown, and what a card promises of each.

The second spec's slogans in figures: for the chosen model, and said to be estimates.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.method_figures import Figures
from ui.components.quantity import size_of
from ui.texts import say

ESTIMATE = "(estimate for this model)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """`tone` is the suffix of a class in the stylesheet. `points` are told what the model would cost, where known."""

    name: str
    title: str
    text: str
    tone: str
    points: Callable[[Figures | None], tuple[str, ...]]
    badge: str = ""
    star: bool = False
    warning: bool = False


def millions(count: int) -> str:
    """“184,320”, “2.44 million”, “1.24 billion”."""
    if count >= 10**9:
        return say("{figure:.3g} billion", figure=count / 10**9)
    if count >= 10**6:
        return say("{figure:.3g} million", figure=count / 10**6)
    return f"{count:,}"


def share_of(share: float) -> str:
    """“0.14 %”."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def _lora(found: Figures | None) -> tuple[str, ...]:
    return (
        _less_memory(found),
        say("Faster training: {trained}", trained=_trained(found)),
        "Best for most use cases",
    )


def _qlora(found: Figures | None) -> tuple[str, ...]:
    needs = (
        say(
            "about {size} instead of {full} {estimate}",
            size=size_of(found.memory_bytes),
            full=size_of(found.full_memory_bytes),
            estimate=say(ESTIMATE),
        )
        if found
        else say("the frozen weights take about a quarter of the memory (estimate)")
    )
    return (
        say("Works on smaller machines: {needs}", needs=needs),
        "4-bit quantization + LoRA",
        "Best for limited hardware",
    )


def _prefix(found: Figures | None) -> tuple[str, ...]:
    return (
        "Even faster than LoRA: the layers stay as they are",
        say("Minimal parameter updates: {trained}", trained=_trained(found)),
        "Best for small adjustments",
    )


def _adapter(found: Figures | None) -> tuple[str, ...]:
    size = (
        say(": {size} beside the base model {estimate}", size=size_of(found.output_bytes), estimate=say(ESTIMATE))
        if found
        else ""
    )
    return (
        say("Modular & composable{size}", size=size),
        "Multiple task-specific adapters",
        "Good for multi-task scenarios",
    )


def _full(found: Figures | None) -> tuple[str, ...]:
    needs = (
        say(
            ": {trained}, about {size} of memory {estimate}",
            trained=_trained(found),
            size=size_of(found.memory_bytes),
            estimate=say(ESTIMATE),
        )
        if found
        else ""
    )
    return (
        "Highest quality potential",
        say("Requires significant compute{needs}", needs=needs),
        "Best for major domain adaptation",
    )


def _less_memory(found: Figures | None) -> str:
    if found is None:
        return "Less memory usage: trains a small share of the weights"
    both = say(
        "{size} instead of {full} for full fine-tuning",
        size=size_of(found.memory_bytes),
        full=size_of(found.full_memory_bytes),
    )
    return say(
        "About {share:.0%} less memory usage: {both} {estimate}",
        share=max(0.0, found.saved_memory),
        both=both,
        estimate=say(ESTIMATE),
    ).replace("%", " %")


def _trained(found: Figures | None) -> str:
    if found is None:
        return say("trains a small share of the weights")
    if not found.share or found.share >= 0.995:
        return say("trains all {trainable} weights", trainable=millions(found.trainable))
    return say(
        "trains {trainable} weights, {share} of the model’s {estimate}",
        trainable=millions(found.trainable),
        share=share_of(found.share),
        estimate=say(ESTIMATE),
    )


METHOD_WORDS: dict[str, Words] = {
    "lora": Words(
        name="LoRA",
        title="LoRA (Recommended)",
        text="Low-Rank Adaptation - Fast & memory efficient",
        badge="Most Efficient",
        tone="green",
        star=True,
        points=_lora,
    ),
    "qlora": Words(
        name="QLoRA",
        title="QLoRA",
        text="Quantized LoRA - Train on consumer hardware",
        badge="Ultra Efficient",
        tone="blue",
        points=_qlora,
    ),
    "prefix": Words(
        name="Prefix Tuning",
        title="Prefix Tuning",
        text="Trains continuous prompts only",
        tone="violet",
        points=_prefix,
    ),
    "adapter": Words(
        name="Adapter Layers",
        title="Adapter Layers",
        text="Adds trainable layers between frozen layers",
        tone="teal",
        points=_adapter,
    ),
    "full": Words(
        name="Full Fine-Tuning",
        title="Full Fine-Tuning",
        text="Updates all model parameters",
        badge="Resource Intensive",
        tone="amber",
        warning=True,
        points=_full,
    ),
}
