"""Rows in the formats people have, turned into the one form we keep: OpenAI chat messages.

Known: OpenAI chat ({"messages": […]}), Alpaca ({"instruction", "input", "output"}), prompt/completion.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput

ROLES = ("system", "user", "assistant")
#: One row of a fine-tuning file is text of a few pages; a longer line is not such a file.
MAX_LINE_CHARACTERS = 4_000_000

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One labelled example and where it stood in the user's file (counted from 1)."""

    messages: Messages
    line: int


def detect_format(row: dict[str, Any]) -> str:
    """The row's format by its keys. Raises BadInput with the keys it saw."""
    if "messages" in row:
        return "chat"
    if "instruction" in row and "output" in row:
        return "alpaca"
    if "prompt" in row and "completion" in row:
        return "prompt-completion"
    keys = ", ".join(list(row)[:8]) or "no keys"
    raise BadInput(
        f"The rows have {keys}. Tunesmith understands messages (chat), instruction + output (Alpaca) "
        "and prompt + completion."
    )


def conversations(path: Path) -> Iterator[tuple[str, Conversation]]:
    """(format, conversation) for every row. Raises BadInput naming the line of the first bad one."""
    row_format = ""
    for line, row in _objects(path):
        row_format = row_format or detect_format(row)
        yield row_format, Conversation(_to_messages(row, row_format, line), line)


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        try:
            first = file.read(1)
            while first.isspace():
                first = file.read(1)
            file.seek(0)
            rows: Iterable[tuple[int, Any]] = _array(file.read()) if first == "[" else _lines(file)
            for line, row in rows:
                if not isinstance(row, dict):
                    raise BadInput(f"Row {line} is a {type(row).__name__}, not an object with keys and values.")
                yield line, row
        except UnicodeDecodeError as error:
            raise BadInput(
                f"{path.name} is not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x}). "
                "Save it as UTF-8 JSONL or JSON and add it again."
            ) from error
        except RecursionError as error:
            raise BadInput(f"{path.name} is nested too deeply to be a list of examples.") from error


def _array(text: str) -> Iterator[tuple[int, Any]]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise BadInput(f"The JSON array is broken: {error}. Mend it there, or save it as JSONL.") from error
    yield from enumerate(rows, start=1)


def _lines(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE_CHARACTERS:
            raise BadInput(f"Line {number} has {len(line):,} characters; an example may have {MAX_LINE_CHARACTERS:,}.")
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise BadInput(f"Line {number} is not JSON: {error}. Mend or remove that line.") from error


def _to_messages(row: dict[str, Any], row_format: str, line: int) -> Messages:
    try:
        if row_format == "chat":
            messages = [{"role": message["role"], "content": message["content"]} for message in row["messages"]]
        elif row_format == "alpaca":
            prompt = "\n\n".join(part for part in (row["instruction"], row.get("input") or "") if part)
            messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": row["output"]}]
            if row.get("system"):
                messages.insert(0, {"role": "system", "content": row["system"]})
        else:
            messages = [
                {"role": "user", "content": row["prompt"]},
                {"role": "assistant", "content": row["completion"]},
            ]
    except (KeyError, TypeError) as error:
        raise BadInput(f"Line {line} does not fit the {row_format} format of the first row: {error!r}.") from error
    _check(messages, line)
    return messages


def _check(messages: Messages, line: int) -> None:
    for message in messages:
        if message["role"] not in ROLES:
            raise BadInput(f"Line {line} has the role “{str(message['role'])[:40]}”; known are {', '.join(ROLES)}.")
        if not isinstance(message["content"], str) or not message["content"].strip():
            raise BadInput(f"Line {line} has an empty {message['role']} message. Fill it or remove the row.")
    if not messages or messages[-1]["role"] != "assistant":
        raise BadInput(f"Line {line} does not end with an assistant message, so there is no answer to learn.")
    if not any(message["role"] == "user" for message in messages):
        raise BadInput(f"Line {line} has no user message, so there is no question to answer.")
