"""Writes `rollouts.jsonl`: a step a line, within a bound for each step and for all of them."""

import json
from collections.abc import Sequence
from typing import Any

from storage.lines import LineWriter
from storage.rollouts import RolloutAnswer, RolloutGroup, RolloutStep
from storage.run_folder import Attempt

#: What a run's rollouts may take, whatever its length, and one step of it at most.
MOST_BYTES = 64 * 1024**2
MOST_STEP_BYTES = 256 * 1024
#: A group is always kept, shortened to this many characters a text.
SHOWN_CHARACTERS = 4000
LEAST_CHARACTERS = 200


class RolloutLog:
    """`steps`: how many lines the run will write, which divides the room among them. Only the first process writes."""

    def __init__(self, attempt: Attempt, steps: int) -> None:
        self._lines = LineWriter(attempt.rollouts)
        self._allowance = min(MOST_STEP_BYTES, MOST_BYTES // max(1, steps))

    def write(self, step: RolloutStep) -> None:
        """Raises OSError on a full disk, as an event does."""
        self._lines.append(fitted(step, self._allowance).model_dump_json().encode())

    def close(self) -> None:
        self._lines.close()


def fitted(step: RolloutStep, allowance: int) -> RolloutStep:
    """As many groups as go into so many bytes, the first ones; at least one, shortened as far as makes sense.

    The least that a step takes is a group of `group_size` texts of LEAST_CHARACTERS.
    """
    kept: list[RolloutGroup] = []
    room = allowance
    for group in step.groups:
        shown = shortened(group, SHOWN_CHARACTERS)
        size = len(shown.model_dump_json())
        if size > room and not kept:
            each = max(LEAST_CHARACTERS, room // (6 * (len(group.answers) + 2)))
            shown, size = shortened(group, each), 0
        if size > room:
            break
        kept.append(shown)
        room -= size
    return step.model_copy(update={"groups": tuple(kept), "left_out": len(step.groups) - len(kept)})


def shortened(group: RolloutGroup, most: int) -> RolloutGroup:
    answers = tuple(
        answer.model_copy(
            update={
                "text": cut(answer.text, most),
                "error": answer.error[:most],
                "shortened": answer.shortened or len(answer.text) > most,
            }
        )
        for answer in group.answers
    )
    return group.model_copy(
        update={"prompt": cut(group.prompt, most), "item": cut(group.item, most), "answers": answers}
    )


def cut(text: str, most: int) -> str:
    """Its beginning and its end: an answer's end often decides its reward."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} … {text[-(most - most * 2 // 3) :]}"


def item_text(item: dict[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False)


def mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values)) if values else 0.0


def step_of_groups(step: int, groups: Sequence[RolloutGroup], *, held_out: bool, reward_std: float) -> RolloutStep:
    """The record with the figures of all its answers."""
    answers: list[RolloutAnswer] = [answer for group in groups for answer in group.answers]
    names = sorted({name for answer in answers for name in answer.parts})
    return RolloutStep(
        step=step,
        held_out=held_out,
        reward=mean([answer.reward or 0.0 for answer in answers]),
        reward_std=reward_std,
        parts={name: mean([answer.parts[name] for answer in answers if name in answer.parts]) for name in names},
        tokens=mean([answer.tokens for answer in answers]),
        clipped=mean([answer.clipped for answer in answers]),
        groups=tuple(groups),
    )
