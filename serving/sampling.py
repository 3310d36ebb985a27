"""The next token of one answer, out of the model's scores."""

from collections import Counter

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from serving.grammar import Grammar
from serving.request import Sampling


class Sampler:
    """Keeps what one answer's choices depend on, so that they do not depend on who else is in the batch."""

    def __init__(self, sampling: Sampling, grammar: Grammar | None = None) -> None:
        self._sampling, self._grammar = sampling, grammar
        self._warpers = warpers(sampling)
        self._counts: Counter[int] = Counter()
        self._generator = torch.Generator()
        if sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(sampling.seed)

    def choose(self, scores: torch.Tensor) -> tuple[int, torch.Tensor | None]:
        """`scores`: [vocabulary]. The token, and log-probabilities [vocabulary] where they were asked for."""
        scores = self._penalised(scores.float())
        if self._grammar is not None:
            self._grammar.mask(scores)
        logprobs = torch.log_softmax(scores, -1) if self._sampling.top_logprobs is not None else None
        token = self._pick(scores)
        self._counts[token] += 1
        if self._grammar is not None:
            self._grammar.accept(token)
        return token, logprobs

    @property
    def is_complete(self) -> bool:
        """Whether the grammar allows nothing more."""
        return self._grammar is not None and self._grammar.is_complete

    def _pick(self, scores: torch.Tensor) -> int:
        if self._sampling.temperature == 0:
            return int(scores.argmax())
        warped = self._warpers(torch.empty(1, 0, dtype=torch.long), scores[None])[0]
        return int(torch.multinomial(torch.softmax(warped, -1).cpu(), 1, generator=self._generator))

    def _penalised(self, scores: torch.Tensor) -> torch.Tensor:
        """OpenAI's formula: what was said costs `frequency` each time and `presence` once."""
        asked = self._sampling
        for token, bias in asked.logit_bias.items():
            if token < len(scores):
                scores[token] += bias
        if asked.presence_penalty or asked.frequency_penalty:
            for token, count in self._counts.items():
                scores[token] -= count * asked.frequency_penalty + asked.presence_penalty
        return scores


def warpers(sampling: Sampling) -> LogitsProcessorList:
    chosen = LogitsProcessorList()
    if sampling.temperature not in (0, 1):
        chosen.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        chosen.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        chosen.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        chosen.append(MinPLogitsWarper(sampling.min_p))
    return chosen
