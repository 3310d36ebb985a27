"""What a preference job changes in what was asked, for the reasons in `core.combinations`. Pure arithmetic, no I/O."""

from core.combinations import IDLE_SMOOTHING, NO_DROPOUT_WITH_PAIRS, NO_NOISE_WITH_PAIRS
from storage.methods import LowRank, Method
from storage.objectives import Dpo
from storage.spec import Change, Hyperparameters


def without_dropout(method: Method, changes: list[Change]) -> Method:
    if not isinstance(method, LowRank) or not method.dropout:
        return method
    reason = NO_DROPOUT_WITH_PAIRS.why
    changes.append(Change(field="LoRA Dropout", asked=f"{method.dropout:g}", runs="0", reason=reason))
    return method.model_copy(update={"dropout": 0.0})


def without_noise(asked: Hyperparameters, changes: list[Change]) -> Hyperparameters:
    if not asked.neftune_alpha:
        return asked
    reason = NO_NOISE_WITH_PAIRS.why
    changes.append(Change(field="NEFTune", asked=f"{asked.neftune_alpha:g}", runs="0", reason=reason))
    return asked.model_copy(update={"neftune_alpha": 0.0})


def without_idle_smoothing(dpo: Dpo, changes: list[Change]) -> Dpo:
    if not dpo.label_smoothing or dpo.loss == "robust":
        return dpo
    reason = IDLE_SMOOTHING.why
    changes.append(Change(field="Label Smoothing", asked=f"{dpo.label_smoothing:g}", runs="0", reason=reason))
    return dpo.model_copy(update={"label_smoothing": 0.0})
