"""Rollouts: what a model answered while it was trained by reward, one step a line in `attempts/<n>/rollouts.jsonl`.

A resumed run repeats the steps after its last checkpoint in a new attempt's file: of one step, the latest attempt's
line counts.
"""

from pydantic import Field, TypeAdapter

from storage.methods import Record


class RolloutAnswer(Record):
    """`reward` is None where the grader could not score it: `error` says why, and the trainer counted it as 0.

    `parts`: the scores of a multi grader's members. `advantage` is 0 in an evaluation.
    """

    text: str
    tokens: int
    clipped: bool = Field(False, description="It reached the length limit without an end")
    reward: float | None
    parts: dict[str, float] = Field(default_factory=dict)
    error: str = ""
    advantage: float = 0.0
    shortened: bool = Field(False, description="`text` is its beginning and its end; the model saw all of it")


class RolloutGroup(Record):
    """The answers to one prompt, in the order in which they were sampled. `line` is the row's in the user's file."""

    line: int
    prompt: str
    item: str = Field("", description="What the grader was told of the row, as JSON; shortened where it is long")
    answers: tuple[RolloutAnswer, ...]


class RolloutStep(Record):
    """The figures are those of the whole step, also where groups were left out for their size.

    A training step's answers are those that made step `step`; an evaluation's (`held_out`) those after it, one each.
    `reward_std` is the mean of the groups' own spreads.
    """

    step: int
    held_out: bool = False
    reward: float = Field(description="Mean of all the answers")
    reward_std: float = 0.0
    parts: dict[str, float] = Field(default_factory=dict, description="Means by a multi grader's members")
    tokens: float = Field(0.0, description="Mean length of an answer")
    clipped: float = Field(0.0, description="Share of the answers that reached the length limit")
    groups: tuple[RolloutGroup, ...]
    left_out: int = Field(0, description="Groups of this step that are not kept here")


ROLLOUT_STEP: TypeAdapter[RolloutStep] = TypeAdapter(RolloutStep)
