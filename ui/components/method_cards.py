"""The five ways to change a model's weights. LoRA runs today; figures are estimates for the chosen model."""

from math import sqrt

from core.models import ModelInfo
from ui.components.choice_card import Choice, choice_card
from ui.components.text import Text, box, heading

BYTES_PER_WEIGHT = 2
BYTES_PER_4_BIT_WEIGHT = 0.55  # with the quantisation constants


def method_cards(model: ModelInfo | None, rank: int) -> None:
    heading("Fine-Tuning Method *", 3)
    Text("p", "Choose how your model will learn from labeled examples", "ts-muted")
    with box("ts-choices ts-choices-methods").props("role=radiogroup aria-label='Fine-Tuning Method'"):
        for choice in _choices(model, rank):
            choice_card("method", choice, chosen=choice.value == "lora")


def _choices(model: ModelInfo | None, rank: int) -> tuple[Choice, ...]:
    return (
        Choice(
            value="lora",
            title="LoRA (Recommended)",
            star=True,
            badge="Most Efficient",
            tone="green",
            text="Low-Rank Adaptation - Fast & memory efficient",
            points=(
                _lora_memory(model, rank),
                "Faster training: only small added matrices get updates",
                "Best for most use cases",
            ),
        ),
        Choice(
            value="qlora",
            title="QLoRA",
            badge="Ultra Efficient",
            tone="blue",
            text="Quantized LoRA - Train on consumer hardware",
            points=(_qlora_memory(model), "4-bit quantization + LoRA", "Best for limited hardware"),
            is_coming=True,
        ),
        Choice(
            value="prefix",
            title="Prefix Tuning",
            text="Trains continuous prompts only",
            points=("Even faster than LoRA", "Minimal parameter updates", "Best for small adjustments"),
            is_coming=True,
        ),
        Choice(
            value="adapter",
            title="Adapter Layers",
            text="Adds trainable layers between frozen layers",
            points=(
                "Modular & composable",
                "Multiple task-specific adapters",
                "Good for multi-task scenarios",
            ),
            is_coming=True,
        ),
        Choice(
            value="full",
            title="Full Fine-Tuning",
            badge="Resource Intensive",
            warning=True,
            tone="amber",
            text="Updates all model parameters",
            points=(
                "Highest quality potential",
                "Requires significant compute",
                "Best for major domain adaptation",
            ),
            is_coming=True,
        ),
    )


def _lora_memory(model: ModelInfo | None, rank: int) -> str:
    if model is None:
        return "Less memory usage: trains a small share of the weights"
    percent = 100 * _lora_share(model.parameters, rank)
    return f"Less memory usage: trains about {percent:.2g} % of the weights (estimate for this model)"


def _qlora_memory(model: ModelInfo | None) -> str:
    if model is None:
        return "Frozen weights take about a quarter of the memory (estimate)"
    full, quantised = model.parameters * BYTES_PER_WEIGHT / 1e9, model.parameters * BYTES_PER_4_BIT_WEIGHT / 1e9
    return f"Frozen weights take about {quantised:.2g} GB instead of {full:.2g} GB (estimate for this model)"


def _lora_share(parameters: int, rank: int) -> float:
    """An estimate from the size alone: 30 layers of 12·d² weights, an adapter of rank·(in + out) on 18·d of each."""
    layers = 30
    width = sqrt(parameters / (12 * layers))
    return min(rank * 18 * layers * width / parameters, 1.0)
