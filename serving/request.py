"""What a worker is asked for and what it answers with, whatever the engine."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Names the model without any adapter, as PEFT does.
BASE = "__base__"


class Sampling(BaseModel):
    """How the next token is chosen. Names, bounds and meaning are OpenAI's; `top_k` and `min_p` are everybody else's."""

    model_config = ConfigDict(frozen=True)

    max_tokens: int = Field(256, ge=1, le=1_000_000)
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


class Logprob(BaseModel):
    model_config = ConfigDict(frozen=True)

    token: str
    logprob: float


class Piece(BaseModel):
    """The next part of an answer; `finish` is set on the last one."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    tokens: int = 0
    logprobs: tuple[tuple[Logprob, tuple[Logprob, ...]], ...] = ()
    finish: Literal["", "stop", "length", "aborted"] = ""
