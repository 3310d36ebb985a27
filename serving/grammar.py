"""Answers that have to be JSON of a shape, by llguidance: which tokens may come next."""

from functools import cache
from typing import Any

import llguidance
import torch
from llguidance.hf import from_tokenizer
from llguidance.torch import allocate_token_bitmask, apply_token_bitmask_inplace, fill_next_token_bitmask
from transformers import PreTrainedTokenizerBase

from serving.failures import BadRequest
from serving.schema import checked


class Grammar:
    """The state of one answer. Raises BadRequest for a schema that cannot be followed."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, schema: dict[str, Any]) -> None:
        vocabulary = vocabulary_of(tokenizer)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(checked(schema))
        self._matcher = llguidance.LLMatcher(vocabulary, grammar)
        if self._matcher.is_error():
            said = str(self._matcher.get_error())[:300]
            raise BadRequest(f"The JSON schema cannot be followed: {said}", param="response_format")
        self._bits = allocate_token_bitmask(1, vocabulary.vocab_size)

    def mask(self, scores: torch.Tensor) -> None:
        """`scores`: [vocabulary]; what may not come next becomes -inf."""
        fill_next_token_bitmask(self._matcher, self._bits)
        known = min(len(scores), self._bits.shape[1] * 32)
        apply_token_bitmask_inplace(scores[None, :known], self._bits.to(scores.device))
        scores[known:] = -torch.inf

    def accept(self, token: int) -> None:
        self._matcher.consume_token(token)

    @property
    def is_complete(self) -> bool:
        return bool(self._matcher.is_stopped())


@cache
def vocabulary_of(tokenizer: PreTrainedTokenizerBase) -> llguidance.LLTokenizer:
    """Made once per tokenizer: it takes a second for a large vocabulary."""
    return from_tokenizer(tokenizer)
