"""What a trainer tells the world: typed values, one JSON object a line in `events.jsonl`."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from storage.methods import Record
from storage.status import Cause


class EventBase(Record):
    """`seq` counts from 0 without gaps inside one attempt; `at` is wall time, for display only."""

    seq: int = 0
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Metric(EventBase):
    """Measurements after an optimizer step. Non-finite values are stored as null: bare NaN is not JSON."""

    type: Literal["metric"] = "metric"
    step: int
    epoch: float
    values: dict[str, float | None]


class Phase(EventBase):
    """The trainer enters a stretch of work; `done` of `total` where it can be counted."""

    type: Literal["phase"] = "phase"
    name: Literal["loading", "tokenising", "sampling", "rehearsing", "training", "exporting", "converting"]
    detail: str = ""
    done: int = 0
    total: int = 0
    epochs: int = 0


class Sample(EventBase):
    """A prompt, the dataset's answer, and what a model said."""

    type: Literal["sample"] = "sample"
    index: int
    step: int
    prompt: str
    expected: str
    answer: str
    tuned: bool
    held_out: bool


class PromptAnswer(EventBase):
    """What the model said, after `step` steps, to one of the prompts that the user wants to follow."""

    type: Literal["prompt_answer"] = "prompt_answer"
    index: int
    step: int
    prompt: str
    answer: str


class Checkpoint(EventBase):
    """A sealed checkpoint folder; its evaluation where that very step was evaluated: a loss, or a mean reward."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    name: str
    bytes: int
    eval_loss: float | None = None
    eval_reward: float | None = None


class Log(EventBase):
    type: Literal["log"] = "log"
    message: str


class Warn(EventBase):
    """Something the user should know; the run goes on. `code` names the kind where a page treats it apart."""

    type: Literal["warning"] = "warning"
    message: str
    code: str = ""


class Finished(EventBase):
    """The last event of a run that ended by itself: `completed` sealed its output, `cancelled` was asked to stop."""

    type: Literal["finished"] = "finished"
    outcome: Literal["completed", "cancelled", "paused"]
    step: int
    facts: dict[str, float] = Field(default_factory=dict)


class Failed(EventBase):
    """The last event of a run that could not go on: the cause, a sentence, and the line that proves it."""

    type: Literal["failed"] = "failed"
    cause: Cause
    message: str
    evidence: str = ""


Event = Annotated[
    Metric | Phase | Sample | PromptAnswer | Checkpoint | Log | Warn | Finished | Failed, Field(discriminator="type")
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
