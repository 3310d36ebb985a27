"""Answers to try a grader with before anything is trained: right, wrong and silly ones, made from the rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.datasets.preview import question
from core.grading.instances import instance_text
from graders.allowance import members
from graders.score import GraderError
from graders.templates import as_text, fill_text, paths
from storage.graders import Grader, JsonSchema, NumericAnswer, Regex, StringCheck, TextSimilarity
from storage.rows import Row

#: What people call the column with the right answer, the surest first.
REFERENCE_NAMES = (
    "reference_answer", "reference", "answer", "expected_answer", "expected", "expected_output", "ground_truth",
    "solution", "target", "label", "output", "completion", "response",
)  # fmt: skip
EMPTY, ECHO, LONG = "empty", "prompt echoed", "very long"
REFERENCE, COMPARED, OTHER, FITTING = "reference", "what it compares with", "another row's reference", "fits the schema"

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """`kind` says where it comes from."""

    kind: str
    text: str


def item_of(row: Row) -> Item:
    item = row.content.get("item")
    return item if isinstance(item, dict) else {}


def prompt_of(row: Row) -> str:
    return question(row.content.get("messages", []))


def reference_column(item: Mapping[str, Any]) -> str:
    """The column that looks like the right answer; empty where none does."""
    lowered = {name.lower(): name for name in item}
    named = next((lowered[name] for name in REFERENCE_NAMES if name in lowered), "")
    return named or (next(iter(item)) if len(item) == 1 else "")


def candidates(
    rows: Sequence[Row], at: int, grader: Grader, answers: Sequence[str], most_words: int
) -> Iterator[Candidate]:
    """To the prompt of row `at`, without copies. `answers` are typed in, and may hold templates of the item."""
    said = set()
    for candidate in _all(rows, at, grader, answers, most_words):
        if candidate.text not in said:
            said.add(candidate.text)
            yield candidate


def _all(rows: Sequence[Row], at: int, grader: Grader, answers: Sequence[str], most_words: int) -> Iterator[Candidate]:
    item = item_of(rows[at])
    for number, answer in enumerate(answers, start=1):
        if (text := _filled(answer, item)) is not None:
            yield Candidate(f"typed in, {number}", text)
    if column := reference_column(item):
        yield Candidate(REFERENCE, as_text(item[column]))
    yield from (Candidate(COMPARED, text) for text in compared_with(grader, item))
    yield from (Candidate(FITTING, text) for text in _fitting(grader))
    if (other := _other(rows, at)) is not None:
        yield Candidate(OTHER, other)
    prompt = prompt_of(rows[at])
    yield Candidate(ECHO, prompt)
    yield Candidate(LONG, long_answer(prompt, most_words))
    yield Candidate(EMPTY, "")


def compared_with(grader: Grader, item: Item) -> Iterator[str]:
    """What the grader's own texts take from the row: for many forms the answer that is right."""
    for member in members(grader):
        if isinstance(member, StringCheck | TextSimilarity | NumericAnswer | Regex) and member.reference:
            of_item_only = all(path.startswith("item") for path in paths(member.reference))
            text = _filled(member.reference, item) if of_item_only else None
            if text is not None:
                yield text


def long_answer(prompt: str, words: int) -> str:
    """As many words as an answer may have tokens."""
    said = prompt.split() or ["word"]
    return " ".join((said * (words // len(said) + 1))[:words])


def _fitting(grader: Grader) -> Iterator[str]:
    for member in members(grader):
        if isinstance(member, JsonSchema):
            yield instance_text(member.json_schema)


def _other(rows: Sequence[Row], at: int) -> str | None:
    mine = item_of(rows[at])
    for step in range(1, len(rows)):
        item = item_of(rows[(at + step) % len(rows)])
        column = reference_column(item)
        if column and item[column] != mine.get(column):
            return as_text(item[column])
    return None


def _filled(text: str, item: Item) -> str | None:
    """None where the row has no such column; the grader itself will say so."""
    try:
        return fill_text(text, item, {})
    except GraderError:
        return None
