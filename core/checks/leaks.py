"""Training rows that the evaluation knows already: then its loss measures memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.checks.near_duplicates import normal

#: A shorter question ("Hi") may well stand in both.
SHORTEST_QUESTION = 24


@dataclass(slots=True)
class Known:
    """The evaluation's texts, whole and the questions alone, with the line that each stands in."""

    whole: dict[int, int] = field(default_factory=dict)
    questions: dict[int, int] = field(default_factory=dict)

    def add(self, question: str, answer: str, line: int) -> None:
        self.whole.setdefault(hash((question, answer)), line)
        if len(question) >= SHORTEST_QUESTION:
            self.questions.setdefault(hash(question), line)

    def leak(self, question: str, answer: str) -> str:
        """How this training row is known, as a detail; empty where it is not. Texts are `normal`."""
        line = self.whole.get(hash((question, answer)))
        if line is not None:
            return f"the same as line {line} of the evaluation"
        line = self.questions.get(hash(question))
        if line is not None:
            return f"the same question as in line {line} of the evaluation"
        return ""


def known_to(evaluation: Iterable[tuple[str, str, int]]) -> Known:
    """From (question, answer, line)."""
    known = Known()
    for question, answer, line in evaluation:
        known.add(normal(question), normal(answer), line)
    return known
