"""What came of trying a grader: every answer with its score, their spread, and why it must not train, where so."""

import statistics
from collections.abc import Iterator
from itertools import groupby

from pydantic import BaseModel, ConfigDict

#: Two rewards that are nearer than this are the same.
SAME = 1e-9


class Tried(BaseModel):
    """One answer to the prompt of the row on `line` of the user's file. Texts are cut for showing."""

    model_config = ConfigDict(frozen=True)
    line: int
    prompt: str
    kind: str
    answer: str
    value: float | None
    parts: dict[str, float] = {}
    error: str = ""


class Trial(BaseModel):
    """`is_judge_assumed`: another model was not asked; numbers that vary stood in for its scores."""

    model_config = ConfigDict(frozen=True)
    tried: tuple[Tried, ...]
    rows: int
    endless: str = ""
    is_judge_assumed: bool = False

    @property
    def values(self) -> list[float]:
        return [tried.value for tried in self.tried if tried.value is not None]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values) if self.values else 0.0

    @property
    def spread(self) -> float:
        """The standard deviation over all answers that have a score."""
        return statistics.pstdev(self.values) if self.values else 0.0

    @property
    def range(self) -> tuple[float, float]:
        return (min(self.values), max(self.values)) if self.values else (0.0, 0.0)

    @property
    def errors(self) -> int:
        return sum(bool(tried.error) for tried in self.tried)

    def objection(self) -> str:
        """Why training with this grader would teach nothing; empty where it may start."""
        if self.endless:
            return f"{self.endless} Mend it: training would wait for it at every answer."
        if not self.values:
            first = next((tried.error for tried in self.tried), "There was no answer to try it with.")
            return f"The grader could score none of the {len(self.tried)} answers that were tried. {first}"
        least, most = self.range
        kinds = ", ".join(dict.fromkeys(tried.kind for tried in self.tried))
        if most - least <= SAME:
            return (
                f"The grader gives {least:g} to every answer: {len(self.values)} were tried ({kinds}). "
                "A constant reward teaches nothing. Check the column and the text that it compares, or type in an "
                "answer that it should score differently."
            )
        if all(max(group) - min(group) <= SAME for group in self._groups()):
            return (
                f"The grader gives all answers to a prompt the same reward ({least:g} to {most:g} over "
                f"{self.rows} prompts), so none is better than another. Let it look at {{{{ sample.output_text }}}}."
            )
        return ""

    def notes(self) -> list[str]:
        """What is worth knowing though training may start."""
        found = []
        if self.errors:
            first = next(tried.error for tried in self.tried if tried.error)
            found.append(f"{self.errors} of {len(self.tried)} answers could not be scored: {first}")
        if self.is_judge_assumed:
            found.append("The other model was not asked: made-up scores stood in for its own.")
        return found

    def _groups(self) -> Iterator[list[float]]:
        for _, group in groupby(self.tried, key=lambda tried: tried.line):
            values = [tried.value for tried in group if tried.value is not None]
            if values:
                yield values
