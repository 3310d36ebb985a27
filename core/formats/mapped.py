"""Rows read through a mapping: the person says which column is what."""

import json

from core.formats.messages import messages_or_text, read_messages, text_message, text_of
from core.formats.options import Mapping
from core.formats.preference import PREFERENCE
from core.formats.problems import RowProblem
from core.formats.sharegpt import SHAREGPT, read_label
from core.formats.tools import with_tools
from storage.rows import Content, Kind, Message

NAME = "mapped"
_TRUE, _FALSE = ("true", "yes", "1", "good", "up"), ("false", "no", "0", "-1", "bad", "down")


def convert(row: Content, mapping: Mapping) -> Content:
    """Ours, by the roles of the columns. Raises RowProblem."""
    missing = [column for column in mapping.columns.values() if column not in row]
    missing += [column for column in mapping.items if column not in row]
    if missing:
        raise RowProblem("missing_columns", f"The row has no {' and no '.join(missing)}.")
    named = {role: row[column] for role, column in mapping.columns.items()}
    if mapping.kind is Kind.TEXT:
        return {"text": text_of(named["text"], f"“{mapping.columns['text']}”")}
    return with_tools(_by_kind(row, named, mapping), {"tools": named.get("tools")})


def _by_kind(row: Content, named: Content, mapping: Mapping) -> Content:
    kind = mapping.kind
    if kind is Kind.PREFERENCE:
        given = {side: named[side] for side in ("chosen", "rejected")}
        if "prompt" in named or "messages" in named:
            given["prompt"] = _prompt(named, mapping)
        return PREFERENCE.convert(given)
    messages = _prompt(named, mapping)
    if kind is Kind.REINFORCEMENT:
        return {"messages": messages, "item": {name: row[column] for column, name in mapping.items.items()}}
    if "completion" in named:
        answer = messages_or_text(named["completion"], "assistant", mapping.columns["completion"])
    elif kind is Kind.UNPAIRED:
        messages, answer = messages[:-1], messages[-1:]
    else:
        answer = []
    if kind is Kind.UNPAIRED:
        return {"prompt": messages, "completion": answer, "label": _label(named["label"], mapping.columns["label"])}
    return {"messages": messages + answer}


def _prompt(named: Content, mapping: Mapping) -> list[Message]:
    system = named.get("system")
    messages = [text_message("system", system, mapping.columns["system"])] if system else []
    if "messages" in named:
        messages += _conversation(named["messages"], mapping.columns["messages"])
    if "prompt" in named:
        messages += messages_or_text(named["prompt"], "user", mapping.columns["prompt"])
    return messages


def _conversation(value: object, column: str) -> list[Message]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowProblem(
                "missing_messages", f"“{column}” is a text that is not a JSON list of messages."
            ) from error
    if isinstance(value, list) and value and isinstance(value[0], dict) and "from" in value[0]:
        return list(SHAREGPT.convert({"conversations": value})["messages"])
    return read_messages(value, column)


def _label(value: object, column: str) -> bool:
    """A mapped label may be spelled in the ways that spreadsheets and thumbs have."""
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return read_label({column: value}, column)
