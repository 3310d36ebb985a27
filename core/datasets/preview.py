"""A row as INPUT → OUTPUT, whatever its kind: for lists, cards and the wizard."""

from dataclasses import dataclass

import orjson

from storage.rows import Content, Kind, Message, Row


@dataclass(frozen=True, slots=True)
class Pair:
    """`answer` is what is wanted; `rejected` and `item` only where the kind has them. `broken` says why it cannot be
    shown as a pair; then `prompt` holds its text."""

    prompt: str
    answer: str
    rejected: str = ""
    item: str = ""
    is_wanted: bool = True
    broken: str = ""


def pair_of(row: Row, kind: Kind) -> Pair:
    content = row.content
    if row.is_broken:
        return Pair(str(content["broken"]), "", broken=str(content.get("code", "")))
    match kind:
        case Kind.SUPERVISED:
            messages = content["messages"]
            return Pair(question(messages[:-1]), words(messages[-1:]))
        case Kind.PREFERENCE:
            return Pair(question(content["prompt"]), words(content["chosen"]), rejected=words(content["rejected"]))
        case Kind.UNPAIRED:
            return Pair(question(content["prompt"]), words(content["completion"]), is_wanted=bool(content["label"]))
        case Kind.REINFORCEMENT:
            return Pair(question(content["messages"]), "", item=_json(content.get("item", {})))
        case Kind.TEXT:
            return Pair("", str(content["text"]))


def question(messages: list[Message]) -> str:
    """The last thing that the user says; else whatever is there."""
    asked = next((message for message in reversed(messages) if message["role"] == "user"), None)
    return words([asked]) if asked else words(messages)


def words(messages: list[Message]) -> str:
    """What is said, calls of tools included."""
    said: list[str] = []
    for message in messages:
        if message.get("content"):
            said.append(str(message["content"]))
        said += [_json(call.get("function", call)) for call in message.get("tool_calls") or ()]
    return "\n".join(said)


def _json(value: Content) -> str:
    return orjson.dumps(value).decode()
