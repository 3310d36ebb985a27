"""Whatever the texts are: an accepted row keeps the answer to the last character, and an export imports as itself."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.checks.structure import check, texts
from core.datasets.fast_chat import FastChat
from core.datasets.importing import import_file
from core.formats import FORMATS
from core.formats.inspection import inspect_file
from core.formats.options import ReadOptions
from core.formats.parsing import parse_object
from core.formats.problems import FileProblem, RowProblem
from storage.rows import Kind, Rows, encode

Row = dict[str, Any]

texts_of_people = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(lambda text: bool(text.strip()))


def said(role: str, content: str) -> Row:
    return {"role": role, "content": content}


#: Per format: a row that asks q and answers a (and, where two answers are needed, b).
WRITTEN: dict[str, Callable[[str, str, str], Row]] = {
    "chat": lambda q, a, b: {"messages": [said("system", b), said("user", q), said("assistant", a)]},
    "prompt-completion": lambda q, a, b: {"prompt": q, "completion": a},
    "alpaca": lambda q, a, b: {"instruction": q, "input": b, "output": a},
    "sharegpt": lambda q, a, b: {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]},
    "batch-output": lambda q, a, b: {
        "custom_id": b,
        "request": {"messages": [said("user", q)]},
        "response": {"body": {"choices": [{"message": said("assistant", a)}]}},
    },
    "openai-preference": lambda q, a, b: {
        "input": {"messages": [said("user", q)]},
        "preferred_output": [said("assistant", a)],
        "non_preferred_output": [said("assistant", b)],
    },
    "preference": lambda q, a, b: {"prompt": q, "chosen": a, "rejected": b},
    "alpaca-preference": lambda q, a, b: {"instruction": q, "chosen": a, "rejected": b},
    "sharegpt-preference": lambda q, a, b: {
        "conversations": [{"from": "human", "value": q}],
        "chosen": {"from": "gpt", "value": a},
        "rejected": {"from": "gpt", "value": b},
    },
    "unpaired": lambda q, a, b: {"prompt": q, "completion": a, "label": len(b) > 5},
    "sharegpt-unpaired": lambda q, a, b: {
        "conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}],
        "kto_tag": len(b) > 5,
    },
    "reinforcement": lambda q, a, b: {"messages": [said("user", q)], "answer": a, "nested": {"too": [b, 1, None]}},
    "text": lambda q, a, b: {"text": a},
}


def answers(content: Row, kind: Kind) -> list[str]:
    if kind is Kind.TEXT:
        return [content["text"]]
    if kind is Kind.REINFORCEMENT:
        return [content["item"]["answer"]]
    side = content.get("chosen") or content.get("completion") or content["messages"]
    return [message["content"] for message in side if message["role"] == "assistant"]


def imported(rows: list[Row], options: ReadOptions | None = None) -> list[Row]:
    """Through a file and back; every text hypothesis thinks of is written as JSON and read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        import_file(path, Path(folder), options)
        return [row.content for row in Rows(Path(folder))]


def test_every_format_is_written_here() -> None:
    assert set(WRITTEN) == set(FORMATS)


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=10, deadline=None)
@given(question=texts_of_people, answer=texts_of_people, other=texts_of_people)
def test_no_character_of_an_answer_is_lost(name: str, question: str, answer: str, other: str) -> None:
    """Where the row is accepted at all; the way on to rendered tokens is the trainer's, and tested there."""
    contents = imported([WRITTEN[name](question, answer, other)] * 10, ReadOptions(format=name))
    assert [answers(content, FORMATS[name].kind) for content in contents] == [[answer]] * 10


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=8, deadline=None)
@given(rows=st.lists(st.tuples(texts_of_people, texts_of_people, texts_of_people), min_size=10, max_size=12))
def test_an_export_imports_as_itself(name: str, rows: list[tuple[str, str, str]]) -> None:
    """Canonical rows are a format of their own kind: nothing has to be named."""
    canonical = [FORMATS[name].convert(WRITTEN[name](*row)) for row in rows]
    assert imported(canonical) == canonical


some_roles = st.sampled_from(("system", "user", "assistant", "user", "assistant", "robot"))
some_texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(("<|im_end|>", "Ã¼", "…", "[INST]"))


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(("system", "user", "assistant", "user", "assistant", "robot")),
                st.text(st.characters(codec="utf-8"), max_size=12)
                | st.sampled_from(("<|im_end|>", "Ã¼", "…", "[INST]")),
            ),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=4,
    ),
    spaced=st.booleans(),
)
def test_the_fast_way_accepts_only_what_the_slow_way_finds_flawless(
    rows: list[list[tuple[str, str]]], spaced: bool
) -> None:
    contents = [{"messages": [said(role, text) for role, text in row]} for row in rows]
    separators = (", ", ": ") if spaced else (",", ":")
    block = "".join(json.dumps(row, separators=separators, ensure_ascii=spaced) + "\n" for row in contents).encode()
    clean = FastChat().accept(block, len(rows))
    if clean:
        assert clean.rows == [encode(row) for row in contents]
        assert clean.characters == sum(len(text) for row in contents for text in texts(row))
        assert [check(row, Kind.SUPERVISED) for row in contents] == [[]] * len(contents)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=80)
    | st.recursive(st.none() | st.text(max_size=3), st.lists).map(lambda value: repr(value).encode())
)
def test_a_line_is_an_object_or_a_named_problem(text: bytes) -> None:
    try:
        assert isinstance(parse_object(text), dict)
    except RowProblem as problem:
        assert_named(problem)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({key for entry in FORMATS.values() for key in entry.columns} | {"label", "question", "rol"})


@settings(max_examples=400, deadline=None)
@given(row=st.dictionaries(st.sampled_from(KEYS), json_values, max_size=5), name=st.sampled_from(sorted(FORMATS)))
def test_no_row_is_so_odd_that_a_converter_breaks(row: Row, name: str) -> None:
    """Hostile values in known keys: converted and checked, or refused with a code. Never another exception."""
    try:
        content = FORMATS[name].convert(row)
    except RowProblem as problem:
        assert_named(problem)
    else:
        check(content, FORMATS[name].kind)


def assert_named(problem: RowProblem | FileProblem) -> None:
    assert problem.code
    assert str(problem).endswith((".", ")", "?")), str(problem)


def test_an_inspection_of_any_bytes_ends_in_a_sentence(tmp_path: Path) -> None:
    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300))
    def inspected(data: bytes) -> None:
        path = tmp_path / "rows"
        path.write_bytes(data)
        try:
            inspect_file(path)
        except FileProblem as problem:
            assert_named(problem)

    inspected()
