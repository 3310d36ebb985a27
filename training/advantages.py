"""From a group's rewards to what each of its answers is worth. Pure arithmetic, no torch."""

from collections.abc import Sequence

import numpy as np

#: TRL's: a group whose answers got the same reward divides nothing by nothing.
EPSILON = 1e-4
#: Rewards that differ by less came out the same: graders calculate with rounding errors.
SAME = 1e-6


def advantages(rewards: np.ndarray, *, scale: bool) -> np.ndarray:
    """How much better each answer is than its group's mean, in the group's own spread if `scale`.

    `rewards`: (prompts, group size). The sample's standard deviation, as in TRL and the paper (section 4.1.2).
    """
    found = rewards - rewards.mean(axis=1, keepdims=True)
    return found / (rewards.std(axis=1, ddof=1, keepdims=True) + EPSILON) if scale else found


def are_even(rewards: np.ndarray) -> np.ndarray:
    """(prompts,): whether all answers of a group got the same reward, so that nothing can be learned from it."""
    return np.ptp(rewards, axis=1) < SAME


def are_identical(groups: Sequence[Sequence[str]]) -> np.ndarray:
    """(prompts,): whether all answers of a group are one and the same text."""
    return np.array([len(set(texts)) == 1 for texts in groups])
