"""Rows in every format that is understood, and what they become."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from core.checks.structure import check
from core.datasets.importing import import_file
from core.formats import FORMATS
from core.formats.inspection import inspect_file
from core.formats.jsonl import BLOCK_BYTES
from core.formats.limits import HEAD_BYTES
from core.formats.options import Mapping, ReadOptions
from core.formats.problems import FileProblem
from storage.rows import Kind, Rows, encode


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


def test_tool_calls_in_all_their_spellings_become_openais(tmp_path: Path) -> None:
    arguments = '{"city": "Łódź"}'
    asked = {"role": "user", "content": "Weather?"}
    told = {"role": "assistant", "content": "Sunny."}
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    expected = [
        asked,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "20 °C", "tool_call_id": "call_1"},
        told,
    ]
    function = {"name": "weather", "arguments": arguments}
    openai = [asked, {"role": "assistant", "content": None, "tool_calls": [call]}, expected[2], told]
    loose = {"function": {"name": "weather", "arguments": {"city": "Łódź"}}}
    trl = [asked, {"role": "assistant", "tool_calls": [loose]}, {"role": "tool", "content": "20 °C"}, told]
    old = [asked, {"role": "assistant", "content": None, "function_call": function}]
    old += [{"role": "function", "name": "weather", "content": "20 °C"}, told]
    sharegpt = [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": json.dumps(function)},
        {"from": "observation", "value": "20 °C"},
        {"from": "gpt", "value": "Sunny."},
    ]
    described = {"name": "weather", "parameters": {"type": "object"}}
    rows: list[dict[str, Any]] = [
        {"messages": openai, "tools": [{"type": "function", "function": described}]},
        {"messages": trl, "tools": [{"type": "function", "function": described}]},
        {"messages": old, "functions": [described]},
        {"conversations": sharegpt, "tools": json.dumps([described])},
    ]
    for number, row in enumerate(rows):
        (tmp_path / str(number)).mkdir()
        content = first_row(tmp_path / str(number), row)
        assert content["tools"] == [{"type": "function", "function": described}]
        assert check(content, Kind.SUPERVISED) == []
        assert [{k: v for k, v in m.items() if k != "name"} for m in content["messages"]] == expected


@pytest.mark.parametrize(
    "row",
    [
        {
            "input": {"messages": [{"role": "user", "content": "Q"}]},
            "preferred_output": [{"role": "assistant", "content": "A"}],
            "non_preferred_output": [{"role": "assistant", "content": "B"}],
        },
        {
            "input": {"messages": [{"role": "user", "content": "Q"}]},
            "preferred_completion": [{"role": "assistant", "content": "A"}],
            "non_preferred_completion": [{"role": "assistant", "content": "B"}],
        },
        {"prompt": "Q", "chosen": "A", "rejected": "B"},
        {
            "prompt": [{"role": "user", "content": "Q"}],
            "chosen": [{"role": "assistant", "content": "A"}],
            "rejected": [{"role": "assistant", "content": "B"}],
        },
        {
            "chosen": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}],
            "rejected": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "B"}],
        },
        {
            "prompt": "Q",
            "chosen": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}],
            "rejected": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "B"}],
        },
        {"instruction": "Q", "input": "", "chosen": "A", "rejected": "B"},
        {
            "conversations": [{"from": "human", "value": "Q"}],
            "chosen": {"from": "gpt", "value": "A"},
            "rejected": {"from": "gpt", "value": "B"},
        },
        {"messages": [{"role": "user", "content": "Q"}], "chosen": "A", "rejected": "B"},
    ],
)
def test_every_spelling_of_a_preference_is_the_same_row(row: dict[str, Any], tmp_path: Path) -> None:
    assert first_row(tmp_path, row) == {
        "prompt": [{"role": "user", "content": "Q"}],
        "chosen": [{"role": "assistant", "content": "A"}],
        "rejected": [{"role": "assistant", "content": "B"}],
    }


def test_an_implicit_prompt_of_plain_texts_is_what_both_begin_with(tmp_path: Path) -> None:
    row = first_row(tmp_path, {"chosen": "The sky is blue.", "rejected": "The sky is green."})
    assert (row["prompt"][0]["content"], row["chosen"][0]["content"]) == ("The sky is", " blue.")
    assert row["rejected"][0]["content"] == " green."


def test_what_a_message_carries_is_kept(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]
    said = {"role": "assistant", "content": parts, "thinking": "6 × 7", "weight": 1.0, "refusal": None}
    told, asked = {"role": "developer", "content": "Count"}, {"role": "user", "name": "ann", "content": "?"}
    assert first_row(tmp_path, {"messages": [told, asked, said]})["messages"] == [
        {"role": "developer", "content": "Count"},
        {"role": "user", "name": "ann", "content": "?"},
        {"role": "assistant", "content": "42", "reasoning_content": "6 × 7", "weight": 1},
    ]


ROW = {"prompt": "Wo?", "completion": "Hier\nund dort"}
ANSWER = {"role": "assistant", "content": "Hier\nund dort"}


def parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=5)


@pytest.mark.parametrize(
    ("container", "packed", "write"),
    [
        ("jsonl", "", lambda path, rows: jsonl(path, rows)),
        ("jsonl", "gzip", lambda path, rows: path.write_bytes(gzip.compress(jsonl(path, rows).read_bytes()))),
        ("jsonl", "zstd", lambda path, rows: path.write_bytes(zstandard.compress(jsonl(path, rows).read_bytes()))),
        ("json", "", lambda path, rows: path.write_text(json.dumps(rows))),
        ("json", "", lambda path, rows: path.write_text(json.dumps({"version": [1, "a"], "data": rows}, indent=2))),
        ("json", "", lambda path, rows: path.write_text(json.dumps({"data": rows, "pages": 1}))),
        ("json", "", lambda path, rows: path.write_text("\n".join(json.dumps(row, indent=1) for row in rows))),
        ("csv", "", lambda path, rows: path.write_text(table(rows, ","))),
        ("csv", "", lambda path, rows: path.write_text(table(rows, "\t"))),
        ("csv", "gzip", lambda path, rows: path.write_bytes(gzip.compress(table(rows, ";").encode()))),
        ("parquet", "", parquet),
    ],
)
def test_the_same_rows_in_every_container_are_the_same_version(
    container: str, packed: str, write: Callable[[Path, list[dict[str, Any]]], object], tmp_path: Path
) -> None:
    """By content: the file's name says nothing."""
    path = tmp_path / "picture.png"
    write(path, [ROW | {"prompt": f"Wo {number}?"} for number in range(12)])
    into = tmp_path / "version"
    into.mkdir()
    seen = inspect_file(path)
    assert (seen.container, seen.packed, seen.format) == (container, packed, "prompt-completion")
    report = import_file(path, into)
    assert (report.rows, report.ok, report.sha256) == (12, 12, SHA256)


#: Of the twelve rows above, whatever they came in.
_LINES = [encode({"messages": [{"role": "user", "content": f"Wo {n}?"}, ANSWER]}) + b"\n" for n in range(12)]
SHA256 = hashlib.sha256(b"".join(_LINES)).hexdigest()


def table(rows: list[dict[str, Any]], delimiter: str) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def test_a_chat_saved_as_a_table_is_still_a_chat(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path = tmp_path / "rows.csv"
    path.write_text(table([{"id": n, "messages": json.dumps(messages)} for n in range(12)], ","))
    seen = inspect_file(path)
    assert (seen.format, seen.ignored, seen.samples[0].content) == ("chat", ["id"], {"messages": messages})


def test_a_classifiers_data_is_not_taken_for_plain_text(tmp_path: Path) -> None:
    seen = inspect_file(jsonl(tmp_path / "rows.jsonl", [{"text": "So good", "label": "positive"}]))
    assert (seen.confident, seen.mapping) == (False, Mapping(roles={"text": "prompt", "label": "completion"}))


def test_a_table_may_begin_like_a_sound_or_a_model(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("ID3,prompt,completion\n" + "1,Q,A\n" * 10)
    assert inspect_file(path).format == "prompt-completion"


def test_lines_after_an_endless_one_are_all_there(tmp_path: Path) -> None:
    """Many lines share the last piece of the endless one, and the line after them is nearly too long itself."""
    row = json.dumps({"prompt": "Q", "completion": "A"})
    large = json.dumps({"prompt": "Q", "completion": "x" * 40_000})
    long = json.dumps({"prompt": "Q", "completion": "x" * 7_990_000})
    endless = "y" * (HEAD_BYTES + 32 * BLOCK_BYTES - len(row))
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([row, endless, *[large] * 4, long, *[row] * 4]))
    (tmp_path / "version").mkdir()
    report = import_file(path, tmp_path / "version")
    assert (report.rows, report.errors) == (11, 1)
    assert [row.line for row in Rows(tmp_path / "version")] == list(range(1, 12))


def test_a_format_can_be_named_against_detection(tmp_path: Path) -> None:
    row = {"prompt": "Q", "completion": "A", "text": "Q A", "label": True}
    path = jsonl(tmp_path / "rows.jsonl", [row])
    assert inspect_file(path).format == "unpaired"
    assert inspect_file(path, ReadOptions(format="text")).samples[0].content == {"text": "Q A"}
    with pytest.raises(FileProblem, match="no format “poem”"):
        inspect_file(path, ReadOptions(format="poem"))


def test_the_fast_way_and_the_slow_way_write_the_same(tmp_path: Path) -> None:
    """A weight keeps a row from the fast way; with all of them 1 the rows mean the same."""
    rows = [{"messages": turns, "id": 1} for turns in CONVERSATIONS]
    slow = [{"messages": [*turns[:-1], turns[-1] | {"refusal": None}], "id": 1} for turns in CONVERSATIONS]
    reports = []
    for name, given in (("fast", rows), ("slow", slow)):
        (tmp_path / name).mkdir()
        reports.append(import_file(jsonl(tmp_path / f"{name}.jsonl", given * 3), tmp_path / name))
    assert reports[0] == reports[1]
    for name in ("rows.jsonl", "rows.index", "findings.jsonl"):
        assert (tmp_path / "fast" / name).read_bytes() == (tmp_path / "slow" / name).read_bytes()


CONVERSATIONS = [
    [
        {"role": "system", "content": f"{number}"},
        {"role": "user", "content": '\u2028\x7f\t"Ü\\'},
        {"role": "assistant", "content": text},
    ]
    for number, text in enumerate(
        ["ok", "…", "<b>", "<|im_end|>", "[x]", "a" * 5000, "Ã¼", "No", "4", "<s>", "🎉", "\u00a0x"]
    )
]
