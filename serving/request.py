"""What a worker is asked for and what it answers with, whatever the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Names the model without any adapter, as PEFT does.
BASE = "__base__"

Finish = Literal["", "stop", "length", "aborted"]


class Sampling(BaseModel):
    """How the next token is chosen. Names, bounds and meaning are OpenAI's; `top_k` and `min_p` everybody else's."""

    model_config = ConfigDict(frozen=True)

    max_tokens: int = Field(1024, ge=1, le=1_000_000)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="0 = all of them")
    min_p: float = Field(0.0, ge=0, lt=1)
    seed: int | None = Field(None, ge=0, lt=2**63)
    presence_penalty: float = Field(0.0, ge=-2, le=2)
    frequency_penalty: float = Field(0.0, ge=-2, le=2)
    logit_bias: Mapping[int, float] = Field(default_factory=dict, max_length=300)
    stop: tuple[str, ...] = Field((), max_length=4)
    top_logprobs: int | None = Field(None, ge=0, le=20, description="None = no logprobs at all")
    #: The answer has to be JSON of this shape; {} = any JSON object.
    json_schema: dict[str, Any] | None = None


class Generation(BaseModel):
    """One answer to one prompt that is rendered and tokenised already."""

    model_config = ConfigDict(frozen=True)

    prompt: tuple[int, ...] = Field(min_length=1)
    adapter: str = BASE
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Logprob:
    token: str
    logprob: float


#: The token that was chosen, and the likeliest ones.
Told = tuple[Logprob, tuple[Logprob, ...]]


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of an answer; `finish` is set on the last one. Made for every token, so it is no pydantic model."""

    text: str = ""
    tokens: int = 0
    logprobs: tuple[Told, ...] = ()
    finish: Finish = ""
    #: Why it was aborted, as a sentence.
    reason: str = ""
