"""OpenAI's shapes of requests, answers and errors (openai-python's types), for chat and for plain completions."""

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.failures import BadRequest, ServingError
from serving.request import Piece, Sampling


class StreamOptions(BaseModel):
    include_usage: bool = False


class Asked(BaseModel):
    """What both endpoints share. Unknown fields are other servers' extras, and are left alone."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(max_length=200)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    min_p: float | None = Field(None, ge=0, lt=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: dict[int, float] | None = None
    stop: str | list[str] | None = None
    n: int | None = Field(None, ge=1, le=16)
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def sampling(self, **more: Any) -> Sampling:
        """As the engines want it; what was not asked for keeps our default."""
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        asked = {
            "max_tokens": self.max_completion_tokens or self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "seed": None if self.seed is None else self.seed % 2**63,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logit_bias": self.logit_bias,
            "stop": stops or None,
            **more,
        }
        return Sampling.model_validate({name: value for name, value in asked.items() if value is not None})


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> dict[str, Any] | None:
        if self.type == "json_schema":
            named = self.json_schema or {}
            if not isinstance(named.get("schema"), dict):
                raise BadRequest("response_format.json_schema has no schema.", param="response_format")
            return dict(named["schema"])
        return {} if self.type == "json_object" else None


class ChatAsked(Asked):
    messages: list[dict[str, Any]] = Field(min_length=1, max_length=4096)
    tools: list[dict[str, Any]] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: ResponseFormat = ResponseFormat()

    def chat_sampling(self) -> Sampling:
        return self.sampling(
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None, json_schema=self.response_format.wanted
        )


class CompletionAsked(Asked):
    prompt: str | list[str] | list[int]
    logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = None

    def completion_sampling(self) -> Sampling:
        # OpenAI's old endpoint writes 16 tokens where nothing is said.
        tokens = None if self.max_tokens or self.max_completion_tokens else 16
        return self.sampling(top_logprobs=self.logprobs, **({"max_tokens": tokens} if tokens else {}))


class Head(BaseModel):
    """What every part of one answer repeats."""

    id: str
    created: int
    model: str

    @classmethod
    def new(cls, prefix: str, model: str) -> "Head":
        return cls(id=f"{prefix}-{uuid.uuid4().hex}", created=int(time.time()), model=model)


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chat_logprobs(pieces: Iterable[Piece]) -> dict[str, Any] | None:
    told = [pair for piece in pieces for pair in piece.logprobs]
    if not told:
        return None
    return {"content": [{**entry(chosen), "top_logprobs": [entry(other) for other in top]} for chosen, top in told]}


def entry(logprob: Any) -> dict[str, Any]:
    return {"token": logprob.token, "logprob": logprob.logprob, "bytes": list(logprob.token.encode())}


def event(value: dict[str, Any] | str) -> bytes:
    """One server-sent event."""
    return b"data: " + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode() + b"\n\n"


def error(problem: ServingError) -> dict[str, Any]:
    kind = "invalid_request_error" if problem.status < 500 else "server_error"
    return {"error": {"message": str(problem), "type": kind, "param": problem.param, "code": problem.code}}
