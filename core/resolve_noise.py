"""Dropout and NEFTune, turned off where they would do harm. Pure arithmetic, no I/O."""

from storage.methods import LowRank, Method
from storage.spec import Change, Hyperparameters


def without_dropout(method: Method, why: str, changes: list[Change]) -> Method:
    if not isinstance(method, LowRank) or not method.dropout:
        return method
    changes.append(Change(field="LoRA Dropout", asked=f"{method.dropout:g}", runs="0", reason=why))
    return method.model_copy(update={"dropout": 0.0})


def without_neftune(asked: Hyperparameters, why: str, changes: list[Change]) -> Hyperparameters:
    if not asked.neftune_alpha:
        return asked
    changes.append(Change(field="NEFTune", asked=f"{asked.neftune_alpha:g}", runs="0", reason=why))
    return asked.model_copy(update={"neftune_alpha": 0.0})
