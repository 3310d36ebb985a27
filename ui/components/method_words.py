"""What the five methods are called, in whose colour they are shown, and what a card promises of each.

The second spec's slogans in figures: for the chosen model, and said to be estimates.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.method_figures import Figures
from ui.components.quantity import size_of

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
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return f"{count:,}"


def share_of(share: float) -> str:
    """“0.14 %”."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def _lora(found: Figures | None) -> tuple[str, ...]:
    return (
        _less_memory(found),
        f"Faster training: {_trained(found)}",
        "Best for most use cases",
    )


def _qlora(found: Figures | None) -> tuple[str, ...]:
    needs = (
        f"about {size_of(found.memory_bytes)} instead of {size_of(found.full_memory_bytes)} {ESTIMATE}"
        if found
        else "the frozen weights take about a quarter of the memory (estimate)"
    )
    return (f"Works on smaller machines: {needs}", "4-bit quantization + LoRA", "Best for limited hardware")


def _prefix(found: Figures | None) -> tuple[str, ...]:
    return (
        "Even faster than LoRA: the layers stay as they are",
        f"Minimal parameter updates: {_trained(found)}",
        "Best for small adjustments",
    )


def _adapter(found: Figures | None) -> tuple[str, ...]:
    size = f": {size_of(found.output_bytes)} beside the base model {ESTIMATE}" if found else ""
    return (f"Modular & composable{size}", "Multiple task-specific adapters", "Good for multi-task scenarios")


def _full(found: Figures | None) -> tuple[str, ...]:
    needs = f": {_trained(found)}, about {size_of(found.memory_bytes)} of memory {ESTIMATE}" if found else ""
    return ("Highest quality potential", f"Requires significant compute{needs}", "Best for major domain adaptation")


def _less_memory(found: Figures | None) -> str:
    if found is None:
        return "Less memory usage: trains a small share of the weights"
    both = f"{size_of(found.memory_bytes)} instead of {size_of(found.full_memory_bytes)} for full fine-tuning"
    return f"About {max(0.0, found.saved_memory):.0%} less memory usage: {both} {ESTIMATE}".replace("%", " %")


def _trained(found: Figures | None) -> str:
    if found is None:
        return "trains a small share of the weights"
    if not found.share or found.share >= 0.995:
        return f"trains all {millions(found.trainable)} weights"
    return f"trains {millions(found.trainable)} weights, {share_of(found.share)} of the model’s {ESTIMATE}"


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
