"""A generation in the words of vLLM's completions endpoint, and its chunks in ours.

Shapes: `CompletionRequest` and `CompletionStreamResponse` of vLLM 0.33.0 (`vllm/entrypoints/openai/completion/`), the
same in 0.11.0; https://docs.vllm.ai/en/stable/serving/openai_compatible_server/. The prompt goes as tokens, so that no
template and no tokenizer of vLLM's has a say.
"""

from typing import Any

from serving.failures import BadRequest, Busy, NoSuchModel, ServingError, TooLong
from serving.request import Finish, Generation, Logprob, Piece, Sampling, Told
from serving.schema import checked

Json = dict[str, Any]
FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "repetition": "stop"}
BROKE_OFF = "vLLM broke this answer off."


def request_of(generation: Generation, model: str, ends: frozenset[int], room: int) -> Json:
    """`model`: the base's name or the adapter's; `room`: tokens that the answer may have at most."""
    sampling = generation.sampling
    return {
        "model": model,
        "prompt": list(generation.prompt),
        "stream": True,
        "return_token_ids": True,
        "stop_token_ids": sorted(ends),
        "max_tokens": min(sampling.max_tokens, room),
        **sampling_of(sampling),
    }


def sampling_of(sampling: Sampling) -> Json:
    asked: Json = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop": list(sampling.stop),
    }
    if sampling.top_k:
        asked["top_k"] = sampling.top_k
    if sampling.seed is not None:
        asked["seed"] = sampling.seed
    if sampling.logit_bias:
        asked["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if sampling.top_logprobs is not None:
        asked["logprobs"] = sampling.top_logprobs
    if sampling.json_schema is not None:
        # Not `response_format`: 0.11 reads a schema there for chats only.
        asked["structured_outputs"] = {"json": checked(sampling.json_schema)}
    return asked


def piece_of(choice: Json, wanted: int | None, ends: frozenset[int]) -> Piece:
    """`wanted`: how many of the likeliest tokens; None where no log-probabilities were asked for."""
    ids = choice.get("token_ids") or []
    finish = choice.get("finish_reason") or ""
    told = () if wanted is None else told_by(choice.get("logprobs") or {}, ids, wanted, ends)
    if finish and finish not in FINISHES:
        return Piece(finish="aborted", reason=BROKE_OFF)
    return Piece(str(choice.get("text") or ""), len(ids), told, FINISHES.get(finish, ""))


def told_by(listed: Json, ids: list[int], wanted: int, ends: frozenset[int]) -> tuple[Told, ...]:
    """The token that ends an answer has no text, and is not told."""
    columns = (listed.get(name) or () for name in ("tokens", "token_logprobs", "top_logprobs"))
    return tuple(
        (Logprob(token, logprob), best(top or {}, wanted))
        for number, token, logprob, top in zip(ids, *columns, strict=False)
        if number not in ends
    )


def best(top: dict[str, float], wanted: int) -> tuple[Logprob, ...]:
    """vLLM tells one more than it was asked for where the chosen token is not among them."""
    ordered = sorted(top.items(), key=lambda pair: -pair[1])
    return tuple(Logprob(token, logprob) for token, logprob in ordered[:wanted])


def refusal_of(status: int, body: object) -> ServingError:
    """vLLM's error in ours. Its words stay, as one line."""
    said = message_of(body)
    if status == 404:
        return NoSuchModel(f"vLLM does not know the model any more: {said}.", param="model")
    if status in (429, 503):
        return Busy(f"vLLM takes no more requests now: {said}. Try again in a moment.")
    if status in (400, 422):
        return (TooLong if "context length" in said else BadRequest)(f"vLLM refuses the request: {said}.")
    return ServingError(f"vLLM could not answer: {said}.")


def message_of(body: object) -> str:
    """0.11 and later write `{"error": {"message": …}}`."""
    told = body.get("error") if isinstance(body, dict) else None
    said = told.get("message") if isinstance(told, dict) else None
    return " ".join(str(said or "it gave no reason").split())[:300].rstrip(".")
