"""The texts of a row, whatever its kind: what is asked, what is answered, and all there is."""

from collections.abc import Iterator
from typing import Any

from storage.rows import Content

#: Nothing that an importer accepts is nested deeper.
DEEPEST = 64


def asked(content: Content) -> str:
    """What users say in it. Without system messages: what all rows share would make them all alike."""
    if "text" in content:
        return ""
    return "\n".join(_said(content.get("messages") or content.get("prompt") or (), "user"))


def answered(content: Content) -> str:
    """What is learned from it."""
    if "text" in content:
        return str(content["text"])
    answers = content.get("messages") or content.get("completion") or content.get("chosen") or ()
    return "\n".join([*_said(answers, "assistant"), *_said(content.get("rejected") or (), "assistant")])


def all_texts(content: Content) -> Iterator[str]:
    """Every text in it, tools and columns included."""
    yield from _texts(content, 0)


def _said(messages: Any, role: str) -> Iterator[str]:
    for message in messages:
        if isinstance(message, dict) and message.get("role") == role:
            yield str(message.get("content") or "")
            for call in message.get("tool_calls") or ():
                yield str(call)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth > DEEPEST:
        return
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, depth + 1)
