"""A generation in the words of llama.cpp's server, and its chunks in ours."""

import json
from typing import Any

from serving.engine import Receive
from serving.request import Finish, Generation, Logprob, Piece, Sampling
from serving.schema import checked

Json = dict[str, Any]


class Listening:
    """One answer that llama.cpp is writing; what it calls back with the next part of it."""

    def __init__(self, receive: Receive, *, wants_logprobs: bool) -> None:
        self._receive, self._wants_logprobs = receive, wants_logprobs
        self.is_cancelled = self.is_over = False
        self._told = 0

    def cancel(self) -> None:
        self.is_cancelled = True

    def hear(self, chunk: Json) -> bool:
        """True makes llama.cpp stop. Parts of a long prompt are told too, so that it can be stopped there."""
        if self.is_over or self.is_cancelled:
            return True
        if not chunk.get("choices"):
            self._end(Piece(finish="aborted", reason=reason_of(chunk)))
            return True
        choice = chunk["choices"][0]
        if "prompt_progress" in chunk:
            return False
        if finish := choice.get("finish_reason") or "":
            # It keeps a token back whose text is half a character; the whole count comes at the end.
            left = max(0, int((chunk.get("usage") or {}).get("completion_tokens") or self._told) - self._told)
            self._end(Piece(choice.get("text") or "", left, finish=FINISHES.get(finish, "length")))
            return False
        self._told += 1
        self._receive(Piece(text=choice.get("text") or "", tokens=1, logprobs=self._logprobs(choice)))
        return False

    def close(self, reason: str = "") -> None:
        """It returned; an answer without an end was broken off."""
        if not self.is_over:
            self._end(Piece(finish="aborted", reason=reason))

    def _end(self, piece: Piece) -> None:
        self.is_over = True
        self._receive(piece)

    def _logprobs(self, choice: Json) -> tuple[tuple[Logprob, tuple[Logprob, ...]], ...]:
        if not self._wants_logprobs:
            return ()
        listed = (choice.get("logprobs") or {}).get("content") or ()
        # The token that ends an answer has no text, and is not told.
        return tuple((named(entry), tuple(map(named, entry["top_logprobs"]))) for entry in listed if entry["token"])


FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}


def named(entry: Json) -> Logprob:
    return Logprob(token=entry["token"], logprob=entry["logprob"])


def reason_of(chunk: Json) -> str:
    """llama.cpp's own words for what it could not do."""
    told = chunk.get("error") or chunk
    said = str(told.get("message") or "")[:300] if isinstance(told, dict) else ""
    return f"llama.cpp could not answer: {said}" if said else ""


def request_of(generation: Generation, adapter: int | None) -> Json:
    """`adapter`: the place of its file in the list that the model was loaded with."""
    return {
        "prompt": list(generation.prompt),
        "lora": [] if adapter is None else [{"id": adapter, "scale": 1.0}],
        "stream": True,
        "return_progress": True,
        **sampling_of(generation.sampling),
    }


def sampling_of(sampling: Sampling) -> Json:
    asked: Json = {
        "n_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repeat_penalty": 1.0,
        # Its own order has the temperature last: what top_p keeps would depend on no temperature.
        "samplers": ["penalties", "temperature", "top_k", "top_p", "min_p"],
        # llama.cpp counts the end of the prompt as said, too.
        "repeat_last_n": sampling.max_tokens if sampling.presence_penalty or sampling.frequency_penalty else 0,
        "logit_bias": [[token, bias] for token, bias in sampling.logit_bias.items()],
        "stop": list(sampling.stop),
    }
    if sampling.temperature == 0:
        asked |= {"samplers": ["penalties", "top_k"], "top_k": 1}  # without sorting the whole vocabulary for each token
    if sampling.seed is not None:
        asked["seed"] = sampling.seed % (2**32 - 1)  # the last number means that there is none
    if sampling.top_logprobs is not None:
        asked["n_probs"] = max(1, sampling.top_logprobs)
    if sampling.json_schema is not None:
        asked["grammar"] = f"%llguidance {{}}\nstart: %json {json.dumps(checked(sampling.json_schema))}"
    return asked
