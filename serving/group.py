"""Answers that advance in one pass: their prompts are read one by one, a step at a time, then they share every step."""

from collections import deque

import torch
from transformers import DynamicCache

from serving.answer import Answer
from serving.lanes import Lanes
from serving.rows import LEAST_ROWS, Rows

#: Tokens of prompts that are read between two steps of those that answer already.
PROMPT_TOKENS = 256


class Reading:
    """A prompt that is being read. In parts of its own, so that what else happens does not change the rounding."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.done = answer, 0
        self.cache: DynamicCache = answer.adapter.beginning()

    def part(self) -> list[int]:
        return list(self.answer.generation.prompt[self.done : self.done + PROMPT_TOKENS])

    @property
    def is_done(self) -> bool:
        return self.done >= len(self.answer.generation.prompt)


class Group:
    """One lane's."""

    def __init__(self, lanes: Lanes, device: torch.device) -> None:
        self._lanes, self._device = lanes, device
        self._reading: deque[Reading] = deque()
        self._answers: list[Answer] = []
        self._rows = Rows()

    @property
    def answers(self) -> list[Answer]:
        return [*self._answers, *(reading.answer for reading in self._reading)]

    def join(self, answer: Answer) -> None:
        self._reading.append(Reading(answer))

    def step(self) -> None:
        """Some of the prompts that wait, then one more token for each answer."""
        self.leave()
        read = 0
        while self._reading and read < PROMPT_TOKENS:
            read += self._read(self._reading[0])
        self.leave()
        if self._answers:
            self._advance()
            self.leave()

    def leave(self) -> None:
        """Those that are over, and those that nobody listens to any more."""
        self._reading = deque(reading for reading in self._reading if not reading.answer.is_gone)
        for row in reversed(range(len(self._answers))):
            if self._answers[row].is_gone:
                self._rows.leave(row)
                last = self._answers.pop()
                if row < len(self._answers):
                    self._answers[row] = last

    def clear(self) -> None:
        self._reading.clear()
        self._answers, self._rows = [], Rows()

    def _read(self, reading: Reading) -> int:
        """One part of a prompt; the last one brings the first token. How many tokens it was."""
        part, seen = reading.part(), reading.cache.get_seq_length()
        output = self._lanes.forward(
            [reading.answer.adapter],
            input_ids=torch.tensor([part], device=self._device),
            attention_mask=torch.ones(1, seen + len(part), dtype=torch.long, device=self._device),
            position_ids=torch.arange(seen, seen + len(part), device=self._device)[None],
            past_key_values=reading.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        reading.done += len(part)
        if reading.is_done:
            self._reading.popleft()
            reading.answer.advance(output.logits[0, -1])
            if not reading.answer.is_gone:
                self._rows.join(reading.cache)
                self._answers.append(reading.answer)
        return len(part)

    def _advance(self) -> None:
        positions, mask = self._rows.begin_step(self._device)
        nobody = [0] * (LEAST_ROWS - len(self._answers))
        output = self._lanes.forward(
            [answer.adapter for answer in self._answers],
            input_ids=torch.tensor([*(answer.last for answer in self._answers), *nobody], device=self._device)[:, None],
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._rows,
            use_cache=True,
            logits_to_keep=1,
        )
        self._rows.end_step()
        for answer, scores in zip(self._answers, output.logits[:, -1], strict=False):
            answer.advance(scores)
