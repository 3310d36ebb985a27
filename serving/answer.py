"""One answer while it is written: its tokens, its text, its end."""

from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from serving.engine import Receive
from serving.grammar import Grammar
from serving.request import Finish, Generation, Logprob, Piece, Told
from serving.sampling import Sampler
from serving.text import TextStream


class Answer:
    """`room`: how many tokens still fit into the context. `ends`: tokens that end an answer."""

    def __init__(
        self,
        generation: Generation,
        receive: Receive,
        tokenizer: PreTrainedTokenizerBase,
        *,
        adapter: Any,
        ends: frozenset[int],
        room: int,
    ) -> None:
        self.adapter = adapter
        self.generation, self._receive, self._tokenizer, self._ends = generation, receive, tokenizer, ends
        sampling = generation.sampling
        schema = sampling.json_schema
        self._sampler = Sampler(sampling, Grammar(tokenizer, schema) if schema is not None else None)
        self._text = TextStream(tokenizer, sampling.stop)
        self._left = min(sampling.max_tokens, room)
        self.last = 0
        self._is_over = self._is_cancelled = False

    @property
    def is_gone(self) -> bool:
        """Its place is free: it has ended, or nobody listens any more."""
        return self._is_over or self._is_cancelled

    def cancel(self) -> None:
        self._is_cancelled = True

    def advance(self, scores: torch.Tensor) -> None:
        """Choose the next token and tell what is certain. `scores`: [vocabulary]."""
        token, logprobs = self._sampler.choose(scores)
        self.last, self._left = token, self._left - 1
        if token in self._ends:
            return self._end("stop", self._text.close(), 1)
        told = () if logprobs is None else (self._logprob(token, logprobs),)
        text = self._text.feed(token)
        if self._text.is_stopped or self._sampler.is_complete:
            return self._end("stop", text + self._text.close(), 1, told)
        if self._left <= 0:
            return self._end("length", text + self._text.close(), 1, told)
        self._receive(Piece(text=text, tokens=1, logprobs=told))

    def abort(self, reason: str) -> None:
        self._is_over = True
        self._receive(Piece(finish="aborted", reason=reason))

    def _end(self, finish: Finish, text: str, tokens: int, told: tuple[Told, ...] = ()) -> None:
        self._is_over = True
        self._receive(Piece(text, tokens, told, finish))

    def _logprob(self, token: int, logprobs: torch.Tensor) -> Told:
        count = self.generation.sampling.top_logprobs or 0
        best = torch.topk(logprobs, count) if count else None
        top = tuple(map(self._named, best.indices.tolist(), best.values.tolist())) if best else ()
        return self._named(token, float(logprobs[token])), top

    def _named(self, token: int, logprob: float) -> Logprob:
        return Logprob(token=self._tokenizer.decode([token]), logprob=logprob)
