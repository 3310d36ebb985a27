"""What a preference job changes in what was asked, for the reasons in `core.combinations`. Pure arithmetic, no I/O."""

from core.combinations import IDLE_SMOOTHING, NO_DROPOUT_WITH_PAIRS, NO_NOISE_WITH_PAIRS
from core.resolve_noise import without_dropout, without_neftune
from storage.methods import Method
from storage.objectives import Dpo
from storage.spec import Change, Hyperparameters


def without_noise(method: Method, asked: Hyperparameters, changes: list[Change]) -> tuple[Method, Hyperparameters]:
    """Both would be measured as a change from the reference."""
    return (
        without_dropout(method, NO_DROPOUT_WITH_PAIRS.why, changes),
        without_neftune(asked, NO_NOISE_WITH_PAIRS.why, changes),
    )


def without_idle_smoothing(dpo: Dpo, changes: list[Change]) -> Dpo:
    if not dpo.label_smoothing or dpo.loss == "robust":
        return dpo
    reason = IDLE_SMOOTHING.why
    changes.append(Change(field="Label Smoothing", asked=f"{dpo.label_smoothing:g}", runs="0", reason=reason))
    return dpo.model_copy(update={"label_smoothing": 0.0})
