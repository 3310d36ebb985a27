"""A version written for others reads back as what it was; what a format cannot hold is said, never left out."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.datasets.canonical import canonical
from core.datasets.export import EXPORTS, lines, write
from core.errors import BadInput
from core.formats import FORMATS
from storage.rows import Content, Kind, Rows, RowsWriter

USER = {"role": "user", "content": "Where is my parcel? “ß”"}
ANSWER = {"role": "assistant", "content": "On its way."}
OTHER = {"role": "assistant", "content": "No idea."}
SYSTEM = {"role": "system", "content": "Be kind."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}
TOOLS = [{"type": "function", "function": {"name": "find", "description": "", "parameters": {"type": "object"}}}]

ROWS: dict[Kind, list[Content]] = {
    Kind.SUPERVISED: [{"messages": [USER, ANSWER]}, {"messages": [SYSTEM, USER, OTHER, USER, ANSWER]}],
    Kind.PREFERENCE: [{"prompt": [SYSTEM, USER], "chosen": [ANSWER], "rejected": [OTHER]}],
    Kind.UNPAIRED: [{"prompt": [USER], "completion": [OTHER], "label": False}],
    Kind.REINFORCEMENT: [{"messages": [USER], "item": {"answer": "42", "level": 3}}],
    Kind.TEXT: [{"text": "Once upon a time.\nThe end."}],
}
WITH_TOOLS: Content = {
    "messages": [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "here", "tool_call_id": "call_1"},
        {**ANSWER, "weight": 1},
    ],
    "tools": TOOLS,
}


def version(folder: Path, rows: list[Content]) -> Rows:
    folder.mkdir(exist_ok=True)
    with closing(RowsWriter(folder)) as writer:
        for line, content in enumerate(rows, start=1):
            writer.add(content, line)
    return Rows(folder)


def read_back(line: bytes, kind: Kind) -> Content:
    given: Any = json.loads(line)
    return canonical(given, kind)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, known in EXPORTS.items() for kind in known.convert])
def test_every_export_reads_back_as_it_was(tmp_path: Path, name: str, kind: Kind) -> None:
    written = list(lines(version(tmp_path / "v", ROWS[kind]), kind, name))
    assert [read_back(line, kind) for line in written] == ROWS[kind]
    assert any(known.matches(json.loads(written[0])) for known in FORMATS.values() if known.kind is kind)


@pytest.mark.parametrize("name", ["tunesmith", "openai", "trl"])
def test_tools_and_weights_survive_where_the_format_has_them(tmp_path: Path, name: str) -> None:
    (line,) = lines(version(tmp_path / "v", [WITH_TOOLS]), Kind.SUPERVISED, name)
    back = read_back(line, Kind.SUPERVISED)
    arguments = back["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"id": 7}
    back["messages"][1]["tool_calls"][0]["function"]["arguments"] = CALL["function"]["arguments"]  # type: ignore[index]
    assert back == WITH_TOOLS


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (WITH_TOOLS, "alpaca", "Row 2 has “tool_calls”, which Alpaca cannot hold"),
        (WITH_TOOLS, "sharegpt", "Row 2 has “tool_calls”, which ShareGPT cannot hold"),
        ({"messages": [USER, USER, ANSWER]}, "alpaca", "question to answer in turn"),
        ({"messages": [USER, SYSTEM, ANSWER]}, "sharegpt", "role system that is not the first"),
        ({"broken": "{", "code": "not_json"}, "openai", r"Row 2 could not be read \(not_json\)"),
    ],
)
def test_what_a_format_cannot_hold_is_said(tmp_path: Path, content: Content, name: str, said: str) -> None:
    rows = version(tmp_path / "v", [ROWS[Kind.SUPERVISED][0], content])
    with pytest.raises(BadInput, match=said):
        write(rows, Kind.SUPERVISED, name, tmp_path / "out.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v"]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    rows = version(tmp_path / "v", ROWS[Kind.SUPERVISED])
    assert write(rows, Kind.SUPERVISED, "tunesmith", tmp_path / "out.jsonl") == 2
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "v" / "rows.jsonl").read_bytes()
    with pytest.raises(BadInput, match="cannot be written"):
        write(rows, Kind.SUPERVISED, "tunesmith", tmp_path / "nowhere" / "out.jsonl")
    with pytest.raises(BadInput, match="Choose one of tunesmith, openai, trl, alpaca, sharegpt"):
        lines(rows, Kind.SUPERVISED, "parquet")
