"""A version as a file that others read: JSONL in our own form, OpenAI's, TRL's, Alpaca's or ShareGPT's.

A row that a form cannot hold ends the export, and says which one: nothing is left out silently.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import orjson

from core.errors import BadInput
from core.formats.problems import RowProblem
from storage.files import fsync_path
from storage.rows import Content, Kind, Message, Rows, encode

Converter = Callable[[Content], Content]
_LISTS = ("messages", "prompt", "chosen", "rejected", "completion")
_SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation"}


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`convert` has one way for each kind that the format can hold."""

    name: str
    label: str
    convert: dict[Kind, Converter]


def lines(rows: Rows, kind: Kind, name: str) -> Iterator[bytes]:
    """The file's lines, streamed. Raises BadInput before the first one where the format does not fit the kind."""
    chosen = EXPORTS.get(name)
    if chosen is None or kind not in chosen.convert:
        fitting = ", ".join(known.name for known in EXPORTS.values() if kind in known.convert)
        raise BadInput(
            "A {kind} dataset cannot be written as “{name}”. Choose one of {fitting}.",
            kind=kind.value,
            name=name,
            fitting=fitting,
        )
    return _lines(rows, chosen, kind)


def write(rows: Rows, kind: Kind, name: str, path: Path) -> int:
    """How many rows the file has. It is whole or not there; one that is there is replaced."""
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    try:
        with partial.open("wb") as file:
            count = 0
            for count, line in enumerate(lines(rows, kind, name), start=1):  # noqa: B007  # the last one is returned
                file.write(line)
        fsync_path(partial)
        partial.replace(path)
    except OSError as error:
        raise BadInput(
            "{path} cannot be written ({error}). Choose another place.", path=path, error=error.strerror
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return count


def _lines(rows: Rows, chosen: ExportFormat, kind: Kind) -> Iterator[bytes]:
    convert = chosen.convert[kind]
    for row in rows:
        if row.is_broken and chosen.name != "tunesmith":
            raise BadInput(
                "Row {number} could not be read ({code}), so it has no {label} form. Drop the rows with errors "
                "first, or export as tunesmith.",
                number=row.number + 1,
                code=row.content["code"],
                label=chosen.label,
            )
        try:
            yield encode_in_order(convert(row.content)) if not row.is_broken else encode(row.content) + b"\n"
        except RowProblem as problem:
            raise BadInput(
                "Row {number} {detail} Export as tunesmith or openai.", number=row.number + 1, detail=problem.detail
            ) from problem


def encode_in_order(content: Content) -> bytes:
    """Keys as the format's readers expect to see them, not by the alphabet."""
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _as_it_is(content: Content) -> Content:
    return content


def _readable(content: Content) -> Content:
    """Ours says the same in the alphabet's order; people look for the role first."""
    return {key: _roles_first(value) if key in _LISTS else value for key, value in content.items()}


def _roles_first(messages: list[Message]) -> list[Message]:
    return [{"role": message["role"], "content": message["content"], **message} for message in messages]


def _openai_preference(content: Content) -> Content:
    tools = {"tools": content["tools"]} if "tools" in content else {}
    return {
        "input": {"messages": _roles_first(content["prompt"]), **tools},
        "preferred_output": _roles_first(content["chosen"]),
        "non_preferred_output": _roles_first(content["rejected"]),
    }


def _openai_reinforcement(content: Content) -> Content:
    """Its columns stand beside the messages."""
    plain = {key: value for key, value in _readable(content).items() if key != "item"}
    if clash := next((key for key in content["item"] if key in plain or key == "messages"), None):
        _refuse(f"has an item column “{clash}”, which is the name of another key there.")
    return {**plain, **content["item"]}


def _trl(content: Content) -> Content:
    """TRL hands tool calls to the template, which wants arguments as objects."""
    shown = _readable(content).items()
    return {key: [_opened(message) for message in value] if key in _LISTS else value for key, value in shown}


def _opened(message: Message) -> Message:
    if "tool_calls" not in message:
        return message
    calls = [
        {**call, "function": {**call["function"], "arguments": _object(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _object(arguments: str) -> object:
    with suppress(ValueError):
        return orjson.loads(arguments)
    return arguments


def _alpaca(content: Content) -> Content:
    """Question and answer in turn; what came before the last pair is the history."""
    messages = _plain(content, "Alpaca")
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    turns = messages[1:] if system else messages
    if [message["role"] for message in turns] != ["user", "assistant"] * (len(turns) // 2) or not turns:
        _refuse("does not go from question to answer in turn, which Alpaca needs.")
    pairs = [[turns[at]["content"], turns[at + 1]["content"]] for at in range(0, len(turns), 2)]
    row: Content = {"instruction": pairs[-1][0], "input": "", "output": pairs[-1][1]}
    return row | ({"system": system} if system else {}) | ({"history": pairs[:-1]} if len(pairs) > 1 else {})


def _sharegpt(content: Content) -> Content:
    return _spoken(_plain(content, "ShareGPT"))


def _sharegpt_preference(content: Content) -> Content:
    answers = {side: _spoken(content[side])["conversations"] for side in ("chosen", "rejected")}
    if any(len(said) != 1 for said in answers.values()):
        _refuse("has more than one message in an answer, which ShareGPT cannot hold.")
    sides = {side: said[0] for side, said in answers.items()}
    return _spoken(_plain(content, "ShareGPT", "prompt")) | sides


def _sharegpt_unpaired(content: Content) -> Content:
    messages = _plain({**content, "prompt": content["prompt"] + content["completion"]}, "ShareGPT", "prompt")
    return _spoken(messages) | {"kto_tag": content["label"]}


def _spoken(messages: list[Message]) -> Content:
    system = messages[0]["content"] if messages and messages[0]["role"] == "system" else ""
    turns = messages[1:] if system else messages
    if wrong := next((message["role"] for message in turns if message["role"] not in _SPEAKERS), None):
        _refuse(f"has a message of the role {wrong} that is not the first, which ShareGPT cannot hold.")
    said = [{"from": _SPEAKERS[message["role"]], "value": message["content"]} for message in turns]
    return {"conversations": said} | ({"system": system} if system else {})


def _plain(content: Content, label: str, key: str = "messages") -> list[Message]:
    """Messages that are a role and a text. Weights, names, reasoning and tools have no place in the format."""
    messages: list[Message] = content[key]
    extra = next((name for message in messages for name in message if name not in ("role", "content")), None)
    if "tools" in content or extra:
        _refuse(f"has “{extra or 'tools'}”, which {label} cannot hold.")
    return messages


def _refuse(detail: str) -> NoReturn:
    raise RowProblem("no_such_form", detail)


EXPORTS: dict[str, ExportFormat] = {
    known.name: known
    for known in (
        ExportFormat("tunesmith", "Tunesmith JSONL", dict.fromkeys(Kind, _as_it_is)),
        ExportFormat(
            "openai",
            "OpenAI",
            {
                Kind.SUPERVISED: _readable,
                Kind.PREFERENCE: _openai_preference,
                Kind.REINFORCEMENT: _openai_reinforcement,
            },
        ),
        ExportFormat(
            "trl", "TRL", {kind: _trl for kind in (Kind.SUPERVISED, Kind.PREFERENCE, Kind.UNPAIRED, Kind.TEXT)}
        ),
        ExportFormat("alpaca", "Alpaca", {Kind.SUPERVISED: _alpaca}),
        ExportFormat(
            "sharegpt",
            "ShareGPT",
            {
                Kind.SUPERVISED: _sharegpt,
                Kind.PREFERENCE: _sharegpt_preference,
                Kind.UNPAIRED: _sharegpt_unpaired,
            },
        ),
    )
}
