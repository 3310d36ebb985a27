"""Rows in every format that is understood, and what they become."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.checks.structure import check
from core.datasets.importing import import_file
from core.formats import FORMATS
from core.formats.inspection import inspect_file
from core.formats.options import Mapping, ReadOptions
from storage.rows import Kind, Rows


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def first_row(tmp_path: Path, row: dict[str, Any], options: ReadOptions | None = None) -> dict[str, Any]:
    into = tmp_path / "version"
    into.mkdir()
    import_file(jsonl(tmp_path / "rows.jsonl", [row] * 10), into, options)
    return Rows(into).page(0, 1)[0].content


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_every_format_is_known_and_flawless(name: str, tmp_path: Path) -> None:
    entry = FORMATS[name]
    path = jsonl(tmp_path / "rows.jsonl", [entry.example] * 3)
    seen = inspect_file(path)
    assert (seen.format, seen.kind, seen.confident, seen.ignored) == (name, entry.kind, True, [])
    assert [sample.problem for sample in seen.samples] == [None] * 3
    assert check(seen.samples[0].content, entry.kind) == []


def test_alpaca_keeps_system_history_and_input(tmp_path: Path) -> None:
    row = {"instruction": "Sum", "input": "1 2", "output": "3", "system": "Be brief", "history": [["Hi", "Hello"]]}
    messages = first_row(tmp_path, row)["messages"]
    assert [(message["role"], message["content"]) for message in messages] == [
        ("system", "Be brief"),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Sum\n\n1 2"),
        ("assistant", "3"),
    ]


def test_columns_of_no_known_format_are_proposed_and_confirmed(tmp_path: Path) -> None:
    row = {"question": "6 × 7?", "answer": "42", "level": 1}
    seen = inspect_file(jsonl(tmp_path / "seen.jsonl", [row]))
    assert not seen.confident
    assert seen.mapping == Mapping(roles={"question": "prompt", "answer": "completion", "level": "ignore"})
    mapping = Mapping(roles={"question": "prompt", "answer": "item.answer", "level": "item.level"})
    content = first_row(tmp_path, row, ReadOptions(mapping=mapping))
    assert content == {"messages": [{"role": "user", "content": "6 × 7?"}], "item": {"answer": "42", "level": 1}}
    assert mapping.kind is Kind.REINFORCEMENT
