"""One grader, ready to score answers: whatever its form, an item and a sample go in and a Score comes out."""

import contextlib
import json
from types import TracebackType
from typing import Any

from graders import formula, score_model, similarity, texts
from graders.allowance import SWITCHED_OFF
from graders.python_grader import ANSWER_S, Endless, PythonGrader
from graders.score import GraderError, Score
from graders.templates import fill, fill_text
from storage.graders import (
    Grader,
    JsonSchema,
    Length,
    Multi,
    NumericAnswer,
    Python,
    Regex,
    ScoreModel,
    StringCheck,
    TextSimilarity,
)

Item = dict[str, Any]
Sample = dict[str, Any]


class Scorer:
    """Used as a context: a python grader has a process that must end.

    `allow_python` is the administrator's decision; where it is False such a grader is refused on entry.
    `answer_s` is its time for one answer.
    """

    def __init__(
        self, grader: Grader, *, allow_python: bool, ask: "score_model.Ask | None" = None, answer_s: float = ANSWER_S
    ) -> None:
        self._grader = grader
        self._ask = ask or score_model.ask
        self._allow_python = allow_python
        self._answer_s = answer_s
        self._programs: dict[str, PythonGrader] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "Scorer":
        """Raises GraderError where a part of it cannot be used here."""
        members = self._grader.graders if isinstance(self._grader, Multi) else {"": self._grader}
        try:
            for name, member in members.items():
                if isinstance(member, Python):
                    self._programs[name] = self._started(member)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._open.close()

    def score(self, item: Item, text: str) -> Score:
        """Never raises for one answer: what is wrong with it is the score's `error`."""
        sample = sample_of(text)
        try:
            if isinstance(self._grader, Multi):
                parts = {
                    name: self._single(member, name, item, sample) for name, member in self._grader.graders.items()
                }
                return Score(formula.calculate(self._grader.calculate_output, parts), parts)
            return Score(self._single(self._grader, "", item, sample))
        except GraderError as error:
            return Score(None, error=str(error), is_endless=isinstance(error, Endless))

    def _single(self, grader: Grader, name: str, item: Item, sample: Sample) -> float:
        def filled(template: str) -> str:
            return fill_text(template, item, sample)

        match grader:
            case StringCheck():
                return texts.string_check(grader, filled(grader.input), filled(grader.reference))
            case TextSimilarity():
                return similarity.similarity(grader, filled(grader.input), filled(grader.reference))
            case Regex():
                return texts.pattern(grader, filled(grader.input), filled(grader.reference))
            case JsonSchema():
                return texts.json_schema(grader, filled(grader.input))
            case NumericAnswer():
                return texts.numeric_answer(grader, filled(grader.input), fill(grader.reference, item, sample))
            case Length():
                return texts.length(grader, filled(grader.input))
            case ScoreModel():
                return score_model.score(grader, filled, self._ask)
            case Python():
                return self._programs[name].grade(sample, item)
        raise GraderError(f"A {grader.type} grader cannot be a member of another.")

    def _started(self, grader: Python) -> PythonGrader:
        if not self._allow_python:
            raise GraderError(SWITCHED_OFF)
        return self._open.enter_context(PythonGrader(grader.source, answer_s=self._answer_s))


def sample_of(text: str) -> Sample:
    """What a template sees of an answer. `output_json` is there where the text is JSON."""
    sample: Sample = {"output_text": text, "choices": [{"message": {"content": text}}], "output_tools": []}
    with contextlib.suppress(ValueError, RecursionError):
        sample["output_json"] = json.loads(text)
    return sample
