"""Which learning rate to begin with: by objective, method, and whether the model is very small. Pure.

Published and measured values; `docs/methods.md` says which is which.
"""

from storage.spec import Hyperparameters, Objective

#: Models below this many weights learn at larger steps.
VERY_SMALL = 500_000_000

#: Objective → method → the rate for a model of usual size, and for a very small one.
RATES: dict[Objective, dict[str, tuple[float, float]]] = {
    Objective.SFT: {
        "lora": (1e-4, 1e-3),
        "qlora": (1e-4, 1e-3),
        "prefix": (1e-2, 5e-2),
        "adapter": (1e-4, 1e-3),
        "full": (1e-5, 1e-4),
    },
    Objective.DPO: {
        "lora": (1e-5, 5e-4),
        "qlora": (1e-5, 5e-4),
        "prefix": (1e-3, 1e-3),
        "adapter": (1e-5, 5e-4),
        "full": (1e-6, 1e-5),
    },
    Objective.RFT: {
        "lora": (1e-5, 3e-4),
        "qlora": (1e-5, 3e-4),
        "prefix": (1e-3, 1e-3),
        "adapter": (1e-5, 3e-4),
        "full": (1e-6, 1e-5),
    },
}
DEFAULT = Hyperparameters().learning_rate
#: Every rate that may have been suggested: whoever asks for another has thought about it.
SUGGESTED = frozenset({DEFAULT} | {rate for rates in RATES.values() for pair in rates.values() for rate in pair})


def suggested(objective: Objective, method: str, parameters: int, known: float | None = None) -> float:
    """`known` is what the model's description says that LoRA learns supervised examples well at."""
    if known is not None and objective is Objective.SFT and method in ("lora", "qlora"):
        return known
    usual, very_small = RATES[objective][method]
    return very_small if 0 < parameters < VERY_SMALL else usual
