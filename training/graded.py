"""A prompt's sampled answers with their scores, and the record that is kept of a step of them."""

from dataclasses import dataclass

import numpy as np

from graders.score import Score
from storage.rollouts import RolloutAnswer, RolloutGroup, RolloutStep
from training.prompts import Prompt
from training.rollout_log import item_text, step_of_groups
from training.rollouts import Answer
from training.sampling import readable


@dataclass(frozen=True, slots=True)
class Group:
    prompt: Prompt
    answers: list[Answer]
    scores: list[Score]


def rewards_of(groups: list[Group]) -> np.ndarray:
    """(prompts, group size). An answer that could not be scored counts as 0, and the user is told."""
    return np.array([[score.value or 0.0 for score in group.scores] for group in groups])


def record_of(step: int, groups: list[Group], worth: np.ndarray, *, held_out: bool) -> RolloutStep:
    spread = rewards_of(groups).std(axis=1, ddof=0).mean()
    kept = [recorded(group, row) for group, row in zip(groups, worth.tolist(), strict=True)]
    return step_of_groups(step, kept, held_out=held_out, reward_std=float(spread))


def recorded(group: Group, worth: list[float]) -> RolloutGroup:
    answers = tuple(
        RolloutAnswer(
            text=answer.text,
            tokens=len(answer.ids),
            clipped=answer.clipped,
            reward=score.value,
            parts=dict(score.parts),
            error=score.error,
            advantage=advantage,
        )
        for answer, score, advantage in zip(group.answers, group.scores, worth, strict=True)
    )
    prompt = group.prompt
    return RolloutGroup(
        line=prompt.line, prompt=readable(prompt.conversation), item=item_text(prompt.item), answers=answers
    )
