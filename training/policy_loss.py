"""The loss of group-relative policy optimisation, per token and summed up in the four ways that are in use.

Each step's answers are learned from once, by the very weights that gave them, so the ratio of new to old probability
is 1 and only its gradient counts: there is nothing to clip.
"""

from typing import Literal

import torch
from torch import Tensor

Loss = Literal["grpo", "dapo", "dr_grpo", "bnpo"]


def token_losses(logps: Tensor, advantages: Tensor) -> Tensor:
    """(answers, tokens) from log-probabilities and (answers,): minus the advantage, with the policy's gradient."""
    return -torch.exp(logps - logps.detach()) * advantages[:, None]


def divergence(logps: Tensor, starting: Tensor) -> Tensor:
    """How far each token's log-probability is from the start's: Schulman's k3, unbiased and never below 0."""
    return torch.exp(starting - logps) - (starting - logps) - 1


def summed(losses: Tensor, mask: Tensor, loss: Loss, *, answers: int, tokens: int, passes: int, most: int) -> Tensor:
    """A pass's share of the step's loss; the shares of all `passes` add up to it.

    `answers` and `tokens` are the whole step's, `most` the longest answer allowed. Only bnpo shows how a step was
    divided into passes: it is defined so (TRL's local batch).
    """
    losses = losses * mask
    match loss:
        case "grpo":
            return (losses.sum(1) / mask.sum(1).clamp(min=1)).sum() / answers
        case "dapo":
            return losses.sum() / tokens
        case "dr_grpo":
            return losses.sum() / (answers * most)
        case "bnpo":
            return losses.sum() / mask.sum().clamp(min=1) / passes
