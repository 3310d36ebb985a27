"""Messages as people write them, turned into ours: `content` is always a text, tool calls are always OpenAI's.

What cannot be turned raises `RowProblem`; what can but is wrong all the same is for `core.checks.structure`.
"""

import json
from typing import Any

from core.formats.problems import RowProblem
from storage.rows import Content, Message

#: Other names for the answer's reasoning: TRL's and what reasoning APIs return.
_REASONING = ("reasoning_content", "thinking", "reasoning")


def read_messages(value: object, column: str = "messages") -> list[Message]:
    """OpenAI's messages; the older `function_call` becomes a tool call, lists of text parts become one text."""
    if not isinstance(value, list):
        raise RowProblem("missing_messages", f"“{column}” is {_named(value)}, not a list of messages.")
    if not value:
        raise RowProblem("empty_messages", f"“{column}” is an empty list.")
    messages = [_read(message, number) for number, message in enumerate(value, start=1)]
    pair_calls(messages)
    return messages


def text_message(role: str, value: object, column: str) -> Message:
    """A message whose content is a plain column."""
    return {"role": role, "content": text_of(value, f"“{column}”")}


def messages_or_text(value: object, role: str, column: str) -> list[Message]:
    """TRL's two forms: a list of messages as it is, a text as one message of `role`."""
    if isinstance(value, dict):
        value = [value]
    return read_messages(value, column) if isinstance(value, list) else [text_message(role, value, column)]


def text_of(value: object, where: str) -> str:
    """The text of a content: itself, or its text parts joined. Raises RowProblem for images and the like."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_part(part, where) for part in value)
    if isinstance(value, bool | int | float):
        raise RowProblem("bad_content", f'{where} is the number {value!r}; write it as a text: "{value}".')
    raise RowProblem("bad_content", f"{where} is {_named(value)}, not a text.")


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        for key in ("text", "refusal"):
            if part.get("type", key) in (key, "input_text", "output_text") and isinstance(part.get(key), str):
                return str(part[key])
        raise RowProblem(
            "bad_content", f"{where} has a part of type “{part.get('type')}”; only text can be trained on."
        )
    raise RowProblem("bad_content", f"{where} has a part that is {_named(part)}, not a text.")


def _read(message: object, number: int) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RowProblem("bad_message", f"Message {number} has no role.")
    role = "tool" if message["role"] == "function" else message["role"]
    where = f"Message {number} ({role})"
    result: Message = {"role": role, "content": _content(message, where)}
    for key in ("name", "tool_call_id"):
        if isinstance(message.get(key), str):
            result[key] = message[key]
    reasoning = next((message[key] for key in _REASONING if isinstance(message.get(key), str)), None)
    if reasoning:
        result["reasoning_content"] = reasoning
    if message.get("weight") is not None:
        result["weight"] = _weight(message["weight"])
    calls = _calls(message, where)
    if calls:
        result["tool_calls"] = calls
    return result


def _content(message: Content, where: str) -> str:
    content = message.get("content")
    if content is not None:
        return text_of(content, where)
    if isinstance(message.get("refusal"), str):
        return str(message["refusal"])
    if message.get("tool_calls") or message.get("function_call"):
        return ""
    if "content" not in message:
        raise RowProblem("bad_message", f"{where} has no content.")
    raise RowProblem("content_null_without_tool_calls", f"{where} has the content null and calls no tool.")


def _weight(value: object) -> object:
    """1.0 is 1; what is no number at all stays, for the check to name it."""
    return int(value) if isinstance(value, float) and value in (0.0, 1.0) else value


def _calls(message: Content, where: str) -> list[Content]:
    calls = message.get("tool_calls")
    if not calls and message.get("function_call"):
        calls = [{"function": message["function_call"]}]
    if calls is None or calls == []:
        return []
    if not isinstance(calls, list):
        raise RowProblem("tool_call_invalid", f"{where}: tool_calls is {_named(calls)}, not a list.")
    return [read_call(call, where) for call in calls]


def read_call(call: object, where: str) -> Content:
    """A tool call in OpenAI's form. Arguments given as an object become the JSON text that OpenAI has there."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RowProblem("tool_call_invalid", f"{where} has a tool call without a function's name.")
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(arguments, str):
        raise RowProblem("tool_call_invalid", f"{where} calls {function['name']} without arguments.")
    read: Content = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    if isinstance(call.get("id"), str) and call["id"]:
        read["id"] = call["id"]
    return read


def pair_calls(messages: list[Message]) -> None:
    """Formats without ids (TRL's, ShareGPT's) answer calls in their order: give both sides an id. In place."""
    waiting: list[Content] = []
    given = 0
    for message in messages:
        for call in message.get("tool_calls", ()):
            if "id" not in call:
                given += 1
                call["id"] = f"call_{given}"
            waiting.append(call)
        if message["role"] == "tool" and waiting:
            known = message.setdefault("tool_call_id", _answered(waiting, message.get("name"))["id"])
            waiting = [call for call in waiting if call["id"] != known]


def _answered(waiting: list[Content], name: str | None) -> Content:
    return next((call for call in waiting if call["function"]["name"] == name), waiting[0])


def _named(value: object) -> str:
    names: dict[type[Any], str] = {
        dict: "an object",
        list: "a list",
        str: "a text",
        type(None): "missing",
        bool: "a yes or no",
    }
    return names.get(type(value), "a number")
