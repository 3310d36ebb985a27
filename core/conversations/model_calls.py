"""One call of a model as tracing tools log it: what went in and what came out, in OpenAI's or LangChain's words."""

import json
from typing import Any

from core.conversations.conversation import Turn
from core.conversations.values import at, text_parts
from core.formats.messages import pair_calls, read_call
from core.formats.problems import RowProblem
from storage.rows import Content

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
    "humanmessage": "user",
    "aimessage": "assistant",
    "systemmessage": "system",
    "toolmessage": "tool",
    "functionmessage": "tool",
    "humanmessagechunk": "user",
    "aimessagechunk": "assistant",
}
_KNOWN = frozenset(("system", "user", "assistant", "tool"))
#: Where an application keeps its question and its answer, the likeliest first.
_QUESTIONS = ("input", "question", "query", "prompt", "text", "user_input", "message", "content")
_ANSWERS = ("output", "answer", "response", "completion", "text", "content", "result", "output_text", "message")
_HISTORY = ("chat_history", "history")


def turns_of(given: object, answered: object) -> list[Turn]:
    """The conversation of a call, its answer last; empty where no question or no answer can be told."""
    asked = _asked(_parsed(given))
    answers = _answers(_parsed(answered))
    if asked and answers[: len(asked)] == asked:
        answers = answers[len(asked) :]  # graphs return all messages, ours among them
    messages = asked + answers
    if not any(m["role"] == "user" for m in asked) or not any(m["role"] == "assistant" for m in answers):
        return []
    pair_calls(messages)
    return [
        Turn(m["role"], m["content"], more={k: v for k, v in m.items() if k not in ("role", "content")})
        for m in messages
    ]


def tools_of(*places: object) -> tuple[Content, ...]:
    """The tools that the call offered, in OpenAI's form."""
    for place in places:
        tools = place.get("tools") if isinstance(place, dict) else None
        if isinstance(tools, list) and tools and all(isinstance(at(t, "function", "name"), str) for t in tools):
            return tuple(tools)
    return ()


def _parsed(value: object) -> object:
    """A cell of a table holds JSON; any other text is a text."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[", '"')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _asked(given: object) -> list[Content]:
    if isinstance(given, str):
        return [{"role": "user", "content": given}] if given.strip() else []
    if isinstance(given, list):
        return _messages(given)
    if not isinstance(given, dict):
        return []
    if message := _message(given):
        return [message]
    if isinstance(given.get("messages"), list):
        return _messages(given["messages"])
    for key in ("prompts", "kwargs", "inputs"):
        if isinstance(given.get(key), dict | list) and (found := _asked(given[key])):
            return found
    history = next((_messages(given[key]) for key in _HISTORY if isinstance(given.get(key), list)), [])
    question = next((given[key] for key in _QUESTIONS if given.get(key)), None)
    if question is None and len(given) == 1:
        question = next(iter(given.values()))
    return history + (_asked(question) if isinstance(question, str | list | dict) else [])


def _answers(answered: object) -> list[Content]:
    if isinstance(answered, str):
        return [{"role": "assistant", "content": answered}] if answered.strip() else []
    if isinstance(answered, list):
        return _messages(answered, "assistant")
    if not isinstance(answered, dict):
        return []
    if message := _message(answered):
        return [message]
    for key in ("messages", "generations", "choices"):
        found = answered.get(key)
        if isinstance(found, list) and found:
            # Of several answers to one call the first is the one that was used.
            return _messages(found) if key == "messages" else _generation(found[0])
    answer = next((answered[key] for key in _ANSWERS if answered.get(key)), None)
    if answer is None and len(answered) == 1:
        answer = next(iter(answered.values()))
    return _answers(answer) if isinstance(answer, str | list | dict) else []


def _generation(one: object) -> list[Content]:
    """LangChain's generation or OpenAI's choice."""
    if isinstance(one, list):
        return _generation(one[0]) if one else []
    if not isinstance(one, dict):
        return []
    message = _message(one.get("message"))
    text = one.get("text")
    return [message] if message else _answers(text) if isinstance(text, str) else []


def _messages(values: list[Any], role: str = "user") -> list[Content]:
    """LangChain logs a list of lists: one list a prompt."""
    if values and isinstance(values[0], list) and not _is_pair(values[0]):
        values = values[0]
    if all(isinstance(value, str) for value in values):
        return [{"role": role, "content": "\n".join(values)}] if "".join(values).strip() else []
    read = [_message(value) for value in values]
    # A message that cannot be read makes the rest another conversation than the one that was held.
    return [message for message in read if message] if all(read) else []


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str)


def _message(value: object) -> Content | None:
    """One message in any of their forms; None where it is none, or holds nothing that can be read."""
    if _is_pair(value):
        assert isinstance(value, list)
        value = {"role": value[0], "content": value[1]}
    if not isinstance(value, dict):
        return None
    kind = value.get("role") or value.get("type")
    inner = value.get("data") if isinstance(value.get("data"), dict) else None
    if isinstance(value.get("kwargs"), dict):  # LangChain's serialised objects
        inner = value["kwargs"]
        name = value.get("id")
        kind = inner.get("type") or (name[-1] if isinstance(name, list) and name else None)
    role = _ROLES.get(str(kind).lower(), str(kind).lower())
    if role not in _KNOWN:
        return None
    return _read(role, inner or value)


def _read(role: str, value: Content) -> Content | None:
    message: Content = {"role": role, "content": text_parts(value.get("content"), "")}
    calls = value.get("tool_calls") or at(value, "additional_kwargs", "tool_calls")
    if role == "assistant" and isinstance(calls, list) and calls:
        try:
            message["tool_calls"] = [read_call(_as_openai(call), "An answer") for call in calls]
        except RowProblem:
            return None
    for key in ("tool_call_id", "name"):
        if isinstance(value.get(key), str) and role == "tool":
            message[key] = value[key]
    return message if message["content"] or "tool_calls" in message else None


def _as_openai(call: object) -> object:
    """LangChain's calls have `args` where OpenAI's have `arguments`."""
    if isinstance(call, dict) and "args" in call:
        return {"id": call.get("id"), "name": call.get("name"), "arguments": call["args"]}
    return call
