"""What a preference job changes in what was asked, and what cannot be asked together. Pure arithmetic, no I/O."""

from core.errors import BadInput
from storage.methods import LowRank, Method
from storage.objectives import Dpo
from storage.spec import Change, Hyperparameters

#: Losses that look at each answer's own change, where a reference that favours neither says nothing.
NEED_REFERENCE = ("apo_zero", "apo_down")


def require_meaning(dpo: Dpo) -> None:
    """Raises BadInput for a loss that would learn nothing."""
    if dpo.reference_free and dpo.loss in NEED_REFERENCE:
        raise BadInput(
            f"The loss {dpo.loss} measures each answer against the reference, so it cannot be reference-free. "
            "Choose sigmoid, or leave Reference-Free off."
        )


def without_dropout(method: Method, changes: list[Change]) -> Method:
    if not isinstance(method, LowRank) or not method.dropout:
        return method
    reason = "dropout would be taken for a change from the reference"
    changes.append(Change(field="LoRA Dropout", asked=f"{method.dropout:g}", runs="0", reason=reason))
    return method.model_copy(update={"dropout": 0.0})


def without_noise(asked: Hyperparameters, changes: list[Change]) -> Hyperparameters:
    if not asked.neftune_alpha:
        return asked
    reason = "noise would be taken for a change from the reference"
    changes.append(Change(field="NEFTune", asked=f"{asked.neftune_alpha:g}", runs="0", reason=reason))
    return asked.model_copy(update={"neftune_alpha": 0.0})


def without_idle_smoothing(dpo: Dpo, changes: list[Change]) -> Dpo:
    if not dpo.label_smoothing or dpo.loss == "robust":
        return dpo
    reason = "only the loss robust expects wrong labels"
    changes.append(Change(field="Label Smoothing", asked=f"{dpo.label_smoothing:g}", runs="0", reason=reason))
    return dpo.model_copy(update={"label_smoothing": 0.0})
