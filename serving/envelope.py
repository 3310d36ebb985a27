"""OpenAI's shapes of requests (openai-python's types), for chat and for plain completions.

What is not understood is refused by name; what only concerns OpenAI's own service is read and left alone.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.failures import BadRequest
from serving.request import Sampling

#: Bookkeeping of OpenAI's service: whether it is there or not, the answer is the same.
HARMLESS = ("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls")
#: What OpenAI's old endpoint writes where nothing is said.
COMPLETION_TOKENS = 16

Stop = Annotated[str, Field(max_length=500)]


class StreamOptions(BaseModel):
    include_usage: bool | None = False
    include_obfuscation: bool | None = None


class Asked(BaseModel):
    """What both endpoints share."""

    model_config = ConfigDict(extra="allow")

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
    logit_bias: dict[int, Annotated[float, Field(ge=-100, le=100)]] | None = Field(None, max_length=300)
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    n: int | None = Field(None, ge=1, le=16)
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def require_known(self) -> None:
        """Raises BadRequest for a field that would have changed the answer, had we understood it."""
        for name, value in (self.model_extra or {}).items():
            if name not in HARMLESS and value not in (None, False, [], {}, ""):
                raise BadRequest(f"“{name[:60]}” is not supported here. Leave it out.", param=name[:60])

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def sampling(self, **more: Any) -> Sampling:
        """As the engines want it; what was not asked for keeps our default."""
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        tokens = self.max_completion_tokens or self.max_tokens
        asked = {
            "max_tokens": min(tokens, 1_000_000) if tokens else None,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "seed": None if self.seed is None else self.seed % 2**63,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logit_bias": self.logit_bias,
            "stop": tuple(stop for stop in stops if stop) or None,
        } | more
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
    tools: list[dict[str, Any]] | None = Field(None, max_length=128)
    tool_choice: str | dict[str, Any] | None = None
    modalities: list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: ResponseFormat | None = None

    def chat_sampling(self) -> Sampling:
        if self.top_logprobs and not self.logprobs:
            raise BadRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
        if self.tool_choice not in (None, "auto", "none"):
            raise BadRequest("The model decides itself whether it calls a tool: tool_choice is auto.", "tool_choice")
        if self.modalities not in (None, ["text"]):
            raise BadRequest("Only text is written: modalities is [“text”].", param="modalities")
        return self.sampling(
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            json_schema=self.response_format.wanted if self.response_format else None,
        )


class CompletionAsked(Asked):
    prompt: str | list[int] | Annotated[list[str] | list[list[int]], Field(min_length=1, max_length=16)]
    logprobs: int | None = Field(None, ge=0, le=20)
    best_of: int | None = None

    def completion_sampling(self) -> Sampling:
        if self.best_of not in (None, 1, self.n):
            raise BadRequest("Every answer that is written is given: best_of is n.", param="best_of")
        tokens = None if self.max_tokens or self.max_completion_tokens else COMPLETION_TOKENS
        return self.sampling(top_logprobs=self.logprobs, **({"max_tokens": tokens} if tokens else {}))

    @property
    def prompts(self) -> list[str | list[int]]:
        several = isinstance(self.prompt, list) and self.prompt and not isinstance(self.prompt[0], int)
        return list(self.prompt) if several else [self.prompt]  # type: ignore[list-item, arg-type]
