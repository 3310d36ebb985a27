"""Answers on an OpenVINO decoder: each prompt is read by itself, a step at a time, then all share every pass."""

import torch

from serving.answer import Answer
from serving.group import PROMPT_TOKENS
from serving.openvino_pass import Passes, Row


class PagedGroup:
    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self._rows: dict[Answer, Row] = {}

    @property
    def answers(self) -> list[Answer]:
        return list(self._rows)

    def join(self, answer: Answer) -> None:
        adapter = answer.adapter if answer.adapter.rank else None
        self._rows[answer] = Row(adapter)

    def step(self) -> None:
        """Some of the prompts that wait, then one more token for each answer."""
        self._leave()
        read = 0
        for answer in self.answers:
            if read < PROMPT_TOKENS:
                read += self._read(answer)
        self._leave()
        writing = [answer for answer in self.answers if self._is_read(answer)]
        if writing:
            self._advance(writing, [[answer.last] for answer in writing])
            self._leave()

    def clear(self) -> None:
        for row in self._rows.values():
            self._passes.release(row)
        self._rows.clear()

    def _read(self, answer: Answer) -> int:
        """One part of a prompt; the last one brings the first token. How many tokens it was."""
        if self._is_read(answer):
            return 0
        row, prompt = self._rows[answer], answer.generation.prompt
        part = list(prompt[row.length : row.length + PROMPT_TOKENS])
        if row.length + len(part) == len(prompt):
            self._advance([answer], [part])
        else:
            self._passes.run([row], [part])
        return len(part)

    def _advance(self, answers: list[Answer], tokens: list[list[int]]) -> None:
        scores = torch.from_numpy(self._passes.run([self._rows[answer] for answer in answers], tokens))
        for answer, row in zip(answers, scores, strict=True):
            answer.advance(row)

    def _is_read(self, answer: Answer) -> bool:
        return self._rows[answer].length >= len(answer.generation.prompt)

    def _leave(self) -> None:
        """Those that are over, and those that nobody listens to any more."""
        for answer in [answer for answer in self._rows if answer.is_gone]:
            self._passes.release(self._rows.pop(answer))
