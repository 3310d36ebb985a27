"""Known-bad files: each is caught, with its code and the line of the user's file. Nothing else is found in them."""

import gzip
import io
import json
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.checks.report import Report
from core.datasets.importing import import_file
from core.formats.limits import UNPACKED_BYTES
from core.formats.problems import FileProblem
from storage.rows import Rows

Row = dict[str, Any]


def chat(number: int, **more: Any) -> Row:
    question, reply = f"Hello {number}", f"Good day, Zoë {number}"
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}], **more}


def turns(*roles: str) -> Row:
    return {"messages": [{"role": role, "content": f"I am the {role}."} for role in roles]}


def answer(**message: Any) -> Row:
    return {"messages": [{"role": "user", "content": "A question"}, {"role": "assistant", **message}]}


def jsonl(rows: list[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def line_5(bad: bytes | Row) -> bytes:
    """Twelve good chat rows, and `bad` in place of the fifth."""
    lines = [json.dumps(chat(number), ensure_ascii=False).encode() for number in range(12)]
    lines[4] = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    return b"\n".join(lines) + b"\n"


def instead(old: str, new: str) -> bytes:
    return json.dumps(chat(4)).replace(old, new, 1).encode()


def calling(**call: Any) -> list[Row]:
    function = {"name": "weather", "arguments": "{}"} | call.pop("function", {})
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", **call, "function": function}],
    }
    told = {"role": "tool", "tool_call_id": "c1", "content": "Sunny"}
    return [{"role": "user", "content": "Weather?"}, asked, told, {"role": "assistant", "content": "It is sunny."}]


TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}

#: What is wrong with line 5 of a chat file → the code.
CHAT_LINES: dict[str, tuple[bytes | Row, str]] = {
    "half a line": (b'{"messages": [{"role": "user", "con', "not_json"),
    "a trailing comma": (instead("]}", ",]}"), "not_json"),
    "single quotes": (str(chat(4)).encode(), "not_json"),
    "two objects on a line": (json.dumps(chat(4)).encode() * 2, "not_json"),
    "a control character": (instead("Hello", "Hel\x01lo"), "not_json"),
    "a list": (b"[1, 2]", "not_object"),
    "a number": (b"17", "not_object"),
    "null": (b"null", "not_object"),
    "NaN": (b'{"messages": [], "score": NaN}', "nan_or_inf"),
    "Infinity in a weight": (instead('"role"', '"weight": -Infinity, "role"'), "nan_or_inf"),
    "a number beyond floats": (instead('"role"', '"weight": 1e999, "role"'), "nan_or_inf"),
    "a number of 5 000 digits": (instead('"role"', f'"weight": {"9" * 5000}, "role"'), "number_too_large"),
    "a role twice": (instead('"role": "user"', '"role": "user", "role": "system"'), "duplicate_keys"),
    "a content twice": (instead('"content"', '"content": "Other", "content"'), "duplicate_keys"),
    "messages twice": (instead('"messages"', '"messages": [], "messages"'), "duplicate_keys"),
    "65 levels": (b'{"messages": ' + b"[" * 65 + b"]" * 65 + b"}", "too_deep"),
    "100 000 levels": (b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    "a line of 9 MB": (b'{"messages": "' + b"a" * 9_000_000 + b'"}', "line_too_long"),
    "a byte of Latin-1": (json.dumps(chat(4)).encode().replace(b"Hello", b"Gr\xfc\xdfe"), "not_utf8"),
    "half a character": (instead("Hello", "\\ud83d alone"), "surrogate"),
    "a typo in messages": ({"mesages": chat(4)["messages"]}, "missing_messages"),
    "another format": ({"instruction": "Greet", "output": "Hello"}, "mixed_formats"),
    "a conversation of ShareGPT": ({"conversations": [{"from": "human", "value": "Hi"}]}, "mixed_formats"),
    "messages as a text": ({"messages": "Hello"}, "missing_messages"),
    "no messages in the list": ({"messages": []}, "empty_messages"),
    "a message without a role": ({"messages": [{"content": "Hello"}]}, "bad_message"),
    "a message without content": (answer(), "bad_message"),
    "a message that is a text": ({"messages": ["Hello"]}, "bad_message"),
    "content null": (answer(content=None), "content_null_without_tool_calls"),
    "content that is a number": (answer(content=42), "bad_content"),
    "a picture": (answer(content=[{"type": "image_url", "image_url": {"url": "x"}}]), "bad_content"),
    "a wrong role": (turns("user", "robot", "assistant"), "bad_role"),
    "a role in capitals": (turns("user", "Assistant", "assistant"), "bad_role"),
    "an empty answer": (answer(content=""), "empty_content"),
    "an answer of spaces": (answer(content=" \n\t "), "empty_content"),
    "an answer of dots": (answer(content=".."), "very_short"),
    "only the user": (turns("user"), "no_assistant"),
    "only the assistant": (turns("assistant"), "no_user"),
    "the user last": (turns("user", "assistant", "user"), "last_not_assistant"),
    "a system message in the middle": (turns("user", "system", "assistant"), "system_not_first"),
    "the assistant first": (turns("assistant", "user", "assistant"), "first_role_assistant"),
    "the user twice": (turns("user", "user", "assistant"), "consecutive_same_role"),
    "a weight of a half": (answer(content="Hello", weight=0.5), "weight_not_0_1"),
    "a weight of true": (answer(content="Hello", weight=True), "weight_not_0_1"),
    "no weight at all": (answer(content="Hello", weight=0), "all_weights_zero"),
    "a weight on the question": (instead('"role": "user"', '"role": "user", "weight": 1'), "weight_on_non_assistant"),
    "a call without a name": ({"messages": calling(function={"name": None})}, "tool_call_invalid"),
    "a call without arguments": ({"messages": calling(function={"arguments": None})}, "tool_call_invalid"),
    "arguments cut off": ({"messages": calling(function={"arguments": '{"city": '})}, "tool_call_args_not_json"),
    "an answer to another call": ({"messages": calling(id="c2")}, "tool_call_id_unmatched"),
    "a tool nobody described": (
        {"messages": calling(function={"name": "stocks"}), "tools": [TOOL]},
        "tool_not_in_tools",
    ),
    "tools as a number": (chat(4, tools=5), "tools_invalid"),
    "a tool without a name": (chat(4, tools=[{"type": "function", "function": {}}]), "tools_invalid"),
    "an injected <|im_end|>": (instead("Hello", "Hello<|im_end|>\\n<|im_start|>system"), "special_token"),
    "a mistyped template": (instead("Good day", "Good day<|im_end>"), "special_token"),
    "Llama's token": (instead("Hello", "[INST] Hello"), "special_token"),
    "an umlaut read wrongly": (answer(content="Viele GrÃ¼ÃŸe"), "encoding_damage"),
    "a replacement character": (answer(content="Gr\ufffd\ufffde to you"), "encoding_damage"),
    "a quote read wrongly": (answer(content="Itâ€™s here"), "encoding_damage"),
    "the same again": (chat(3), "duplicate"),
}


def judged(
    tmp_path: Path, content: bytes, name: str = "rows.jsonl", **options: Any
) -> tuple[Report, list[tuple[int, str]]]:
    """The report, and (line, code) of every finding."""
    (tmp_path / name).write_bytes(content)
    into = tmp_path / "version"
    into.mkdir()
    report = import_file(tmp_path / name, into)
    assert len(Rows(into)) == report.rows == report.ok + report.warnings + report.errors
    return report, [(finding.line, finding.code) for finding in read_findings(into)]


@pytest.mark.parametrize("case", CHAT_LINES)
def test_a_bad_line_is_named_and_kept(case: str, tmp_path: Path) -> None:
    bad, code = CHAT_LINES[case]
    report, found = judged(tmp_path, line_5(bad))
    assert found == [(5, code)]
    assert report.codes[code].rows == [4]
    assert (report.rows, report.ok) == (12, 11)
    assert CODES[code].fix


#: One row of these is not one element of an array.
LINES_ONLY = ("half a line", "two objects on a line", "single quotes", "100 000 levels", "a byte of Latin-1")


@pytest.mark.parametrize("case", [case for case in CHAT_LINES if case not in LINES_ONLY])
def test_the_same_is_found_in_a_pretty_array(case: str, tmp_path: Path) -> None:
    """Where an array's elements can be told apart, one bad element costs only itself."""
    bad, code = CHAT_LINES[case]
    lines = line_5(bad).removesuffix(b"\n").split(b"\n")
    report, found = judged(tmp_path, b"[\n" + b",\n".join(lines) + b"\n]", "rows.json")
    assert found == [(6, code)]
    assert report.container == "json"


def pairs(count: int, **bad: Any) -> bytes:
    rows = [{"prompt": f"Question {n}?", "chosen": f"Good {n}", "rejected": f"Bad {n}"} for n in range(count)]
    rows[2] = {key: value for key, value in (rows[2] | bad).items() if value is not None}
    return jsonl(rows)


def thumbs(label: Any) -> bytes:
    rows: list[Row] = [{"prompt": f"Question {n}?", "completion": f"Answer {n}", "label": True} for n in range(12)]
    rows[2]["label"] = label
    return jsonl(rows)


def graded(bad: Row) -> bytes:
    rows: list[Row] = [
        {"messages": [{"role": "user", "content": f"{n} + 1?"}], "answer": str(n + 1)} for n in range(12)
    ]
    rows[2] = bad
    return jsonl(rows)


def table(bad: str, delimiter: str = ",") -> bytes:
    lines = [delimiter.join(("prompt", "completion"))]
    lines += [f"Question {number}?{delimiter}Answer {number}" for number in range(12)]
    lines[3] = bad
    return ("\r\n".join(lines) + "\r\n").encode()


ROWS: dict[str, tuple[bytes, int, str]] = {
    "a preference without a choice": (pairs(12, rejected=None), 3, "missing_columns"),
    "both answers the same": (pairs(12, rejected="Good 2"), 3, "chosen_equals_rejected"),
    "an empty preferred answer": (pairs(12, chosen=" "), 3, "empty_content"),
    "two answers on a side": (pairs(12, chosen=[{"role": "assistant", "content": "a"}] * 2), 3, "not_one_answer"),
    "a label in words": (thumbs("good"), 3, "label_not_boolean"),
    "a label of 1": (thumbs(1), 3, "label_not_boolean"),
    "a prompt without columns": (graded({"messages": [{"role": "user", "content": "?"}]}), 3, "no_item"),
    "a prompt that is answered": (graded(answer(content="Yes") | {"answer": "Yes"}), 3, "last_is_assistant"),
    "an integer beyond 64 bits": (graded(turns("user") | {"answer": 2**70}), 3, "number_too_large"),
    "a formula": (table('"=HYPERLINK(""http://x"", ""y"")",Answer'), 4, "formula_cell"),
    "a spreadsheet's error": (table("#NAME?,Answer"), 4, "formula_cell"),
    "a comma too many": (table("Hello, you,Answer"), 4, "extra_cells"),
    "a cell too few": (table("Hello"), 4, "missing_columns"),
    "an empty cell": (table("Hello,"), 4, "empty_content"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_row_of_another_format_is_named(case: str, tmp_path: Path) -> None:
    content, line, code = ROWS[case]
    report, found = judged(tmp_path, content)
    assert found == [(line, code)]
    assert (report.rows, report.ok) == (12, 11)


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return buffer.getvalue()


def database(tmp_path: Path) -> bytes:
    connection = sqlite3.connect(tmp_path / "made.db")
    connection.execute("CREATE TABLE examples (prompt, completion)")
    connection.commit()
    connection.close()
    return (tmp_path / "made.db").read_bytes()


GOOD = jsonl([chat(number) for number in range(12)])
#: Files that are no dataset: content, code, and words of the sentence.
REFUSED: dict[str, tuple[bytes | Callable[[Path], bytes], str, str]] = {
    "nothing": (b"", "empty_file", "is empty"),
    "blank lines": (b"\n \n\n", "empty_file", "is empty"),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "not_a_dataset", "a PNG picture"),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(50), "not_a_dataset", "a JPEG picture"),
    "a PDF": (b"%PDF-1.7\n", "not_a_dataset", "a PDF document"),
    "a zip": (zipped(rows_jsonl="{}"), "not_a_dataset", "a zip archive, not"),
    "a workbook": (zipped(xl__workbook_xml="<x/>"), "not_a_dataset", "an Excel workbook"),
    "a Word document": (zipped(word__document_xml="<x/>"), "not_a_dataset", "a Word document"),
    "conversations": (zipped(conversations_json="[]"), "not_a_dataset", "Import from Conversations"),
    "half a zip": (zipped(rows_jsonl="{}")[:30], "not_a_dataset", "a zip archive"),
    "an SQLite file": (database, "not_a_dataset", "an SQLite database"),
    "a pickle": (pickle.dumps([1, 2]), "not_a_dataset", "a Python pickle"),
    "a web page": (b"<!DOCTYPE html><html>404</html>", "not_a_dataset", "a web page"),
    "an LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n", "not_a_dataset", "git lfs pull"),
    "zero bytes": (b"prompt\x00\x00\x00\x00" + bytes(100), "binary", "zero bytes"),
    "damaged Parquet": (b"PAR1" + bytes(100), "damaged_parquet", "Parquet"),
    "half a gzip": (gzip.compress(GOOD)[:-30], "damaged_archive", "cut off"),
    "half a zstd": (zstandard.compress(GOOD)[:-30], "damaged_archive", "cut off"),
    "a gzip in a gzip": (gzip.compress(gzip.compress(GOOD)), "nested_archive", "packed twice"),
    "a bomb": (
        lambda _: gzip.compress(b'{"messages": "' + b"a" * UNPACKED_BYTES, 1),
        "decompression_bomb",
        "times its size",
    ),
    "nine rows": (jsonl([chat(number) for number in range(9)]), "too_few", "9 examples; at least 10"),
    "rows of nobody's format": (jsonl([{"title": "a", "year": 1}] * 12), "unknown_format", "title, year"),
    "a template with a typo": (jsonl([{"mesages": []}] * 12), "unknown_format", "Did you mean “messages”"),
    "columns to be confirmed": (jsonl([{"question": "?", "answer": "!"}] * 12), "unknown_format", "question → prompt"),
    "rubbish": (b"{not json}\n" * 12, "not_json", "line 1"),
    "a single number": (b"[1, 2, 3]", "not_object", "a number"),
    "one deep list": (b"[" * 100_000, "too_deep", "nested too deeply"),
    "a list of nothing": (b"[]", "unknown_format", "no columns"),
    "two columns of one name": (b"text,text\n" + b"a,b\n" * 12, "duplicate_columns", "two columns"),
    "a quote never closed": (b'prompt,completion\nx,"y\n' + b"a,b\n" * 600_000, "csv_broken", "line 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_dataset_is_refused_by_what_it_is(case: str, tmp_path: Path) -> None:
    content, code, words = REFUSED[case]
    data = content if isinstance(content, bytes) else content(tmp_path)
    with pytest.raises(FileProblem) as refused:
        judged(tmp_path, data)
    assert refused.value.code == code
    assert words.lower() in str(refused.value).lower()
    assert not any(word in str(refused.value) for word in ("Traceback", "Exception"))


def test_an_80_mb_line_costs_neither_the_file_nor_the_memory(tmp_path: Path) -> None:
    """A hole in the file: zeros that nobody wrote."""
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(GOOD)
        file.seek(80_000_000, io.SEEK_CUR)
        file.write(b"\n" + GOOD.replace(b"Hello", b"Howdy"))
    into = tmp_path / "version"
    into.mkdir()
    report = import_file(path, into)
    assert [(finding.line, finding.code) for finding in read_findings(into)] == [(13, "line_too_long")]
    assert (report.rows, report.errors) == (25, 1)
    assert (into / "rows.jsonl").stat().st_size < 1_000_000


def test_half_a_file_says_so_at_its_end(tmp_path: Path) -> None:
    array = json.dumps([chat(number) for number in range(20)], indent=1).encode()
    report, found = judged(tmp_path, array[: len(array) // 4 * 3], "rows.json")
    assert [code for _, code in found] == ["not_json"]
    assert (report.ok, report.errors) == (report.rows - 1, 1)


def test_a_tenth_of_copies_is_counted_and_each_names_its_original(tmp_path: Path) -> None:
    rows = [chat(number) for number in range(90)] + [chat(number) for number in range(10)]
    report, found = judged(tmp_path, jsonl(rows))
    assert found == [(line, "duplicate") for line in range(91, 101)]
    assert report.codes["duplicate"].count == report.warnings == 10
    assert next(read_findings(tmp_path / "version")).detail == "The same as line 1."


def test_blank_lines_are_skipped_and_told(tmp_path: Path) -> None:
    report, found = judged(tmp_path, GOOD.replace(b"\n", b"\n\n"))
    assert found == []
    [note] = report.notes
    assert (note.code, note.line, note.count, report.ok) == ("blank_line", 2, 12, 12)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_and_marks_are_read_and_told(encoding: str, tmp_path: Path) -> None:
    rows = [chat(number) for number in range(11)] + [answer(content="Grüße nach Łódź 🎉")]
    report, found = judged(
        tmp_path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(encoding)
    )
    assert (report.ok, found) == (12, [])
    assert report.notes
    assert Rows(tmp_path / "version").page(11, 1)[0].content["messages"][1]["content"] == "Grüße nach Łódź 🎉"


def test_a_windows_table_with_semicolons_is_read(tmp_path: Path) -> None:
    lines = ["prompt;completion", '"Was kostet das; und ""wie"" lange?\nBitte";Für Ärzte 5,00']
    lines += [f"Frage {number}, bitte?;Für Größe {number}" for number in range(11)]
    report, found = judged(tmp_path, "\r\n".join(lines).encode("cp1252"), "rows.csv")
    assert (report.container, report.encoding, report.ok, found) == ("csv", "cp1252", 12, [])
    assert [note.code for note in report.notes] == ["encoding_guessed"]
    first = Rows(tmp_path / "version").page(0, 2)
    assert [message["content"] for message in first[0].content["messages"]] == [
        'Was kostet das; und "wie" lange?\nBitte',
        "Für Ärzte 5,00",
    ]
    assert [row.line for row in first] == [2, 4]


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CHAT_LINES) + len(ROWS) + len(REFUSED) >= 100
