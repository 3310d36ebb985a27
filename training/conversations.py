"""A canonical row as the conversations it trains on: which messages, which tools, and which answers are learned."""

import json
from dataclasses import dataclass, field
from typing import Any

from storage.rows import Kind, Message, Row

OPENING_CHARACTERS, SHOWN_CHARACTERS = 200, 1000
#: What a chat template is given of a message.
TEMPLATE_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content")


class Refused(Exception):
    """A row that cannot become tokens; `code` is one of the dataset checks'."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Conversation:
    """What goes through the template as one text. `learned` are indexes of messages; `line` counts from 1.

    Where `text` is set there is no template: it is learned as it stands.
    """

    line: int
    messages: list[Message]
    learned: frozenset[int] = frozenset()
    tools: list[dict[str, Any]] = field(default_factory=list)
    text: str | None = None
    #: The text ends where the model is to answer (reinforcement).
    asks: bool = False

    @property
    def prompt(self) -> list[Message]:
        """Everything before the last answer."""
        return self.messages[: self._last_answer]

    @property
    def expected(self) -> str:
        """The last answer as a reader wants to see it; of a text, what follows its opening."""
        if self.text is not None:
            return self.text[len(self.opening) :][:SHOWN_CHARACTERS]
        if self._last_answer == len(self.messages):
            return ""
        message = self.messages[self._last_answer]
        calls = (json.dumps(call.get("function"), ensure_ascii=False) for call in message.get("tool_calls") or ())
        return "\n".join(filter(None, (message.get("content"), *calls)))

    @property
    def opening(self) -> str:
        """A text's beginning, to be continued: a third of it at most, up to the end of a word."""
        text = self.text or ""
        start = text[: max(1, min(OPENING_CHARACTERS, len(text) // 3))]
        return start.rpartition(" ")[0] or start

    @property
    def _last_answer(self) -> int:
        answers = [index for index, message in enumerate(self.messages) if message["role"] == "assistant"]
        return answers[-1] if answers else len(self.messages)


def conversations_of(row: Row, kind: Kind) -> tuple[Conversation, ...]:
    """One, or for preferences two: chosen, rejected. Raises Refused; nothing in a row is taken on trust."""
    content = row.content
    if row.is_broken:
        raise Refused(str(content.get("code", "not_object")))
    tools = content.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise Refused("tools_invalid")
    match kind:
        case Kind.TEXT:
            if not isinstance(content.get("text"), str) or not content["text"].strip():
                raise Refused("empty_content")
            return (Conversation(row.line, [], text=content["text"]),)
        case Kind.SUPERVISED:
            messages = messages_of(content, "messages")
            if not any(message["role"] == "assistant" for message in messages):
                raise Refused("no_assistant")
            return (Conversation(row.line, messages, learned_in(content["messages"]), tools),)
        case Kind.REINFORCEMENT:
            return (Conversation(row.line, messages_of(content, "messages"), tools=tools, asks=True),)
        case Kind.PREFERENCE:
            return tuple(answered(row, side, tools) for side in ("chosen", "rejected"))
        case Kind.UNPAIRED:
            return (answered(row, "completion", tools),)


def answered(row: Row, side: str, tools: list[dict[str, Any]]) -> Conversation:
    """The prompt and one of its answers; only that one is learned."""
    prompt, answer = messages_of(row.content, "prompt"), messages_of(row.content, side)
    learned = frozenset(len(prompt) + index for index, message in enumerate(answer) if message["role"] == "assistant")
    if not learned:
        raise Refused("not_one_answer", f"{side} has no assistant message.")
    return Conversation(row.line, prompt + answer, learned, tools)


def messages_of(content: dict[str, Any], key: str) -> list[Message]:
    messages = content.get(key)
    if not isinstance(messages, list):
        raise Refused("missing_messages", f"There is no list “{key}”.")
    if not messages:
        raise Refused("empty_messages", f"“{key}” is empty.")
    return [message_of(message) for message in messages]


def message_of(message: Any) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise Refused("bad_message")
    calls = message.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(map(is_call, calls))):
        raise Refused("tool_call_invalid")
    text = message.get("content")
    if text is None and not calls:
        raise Refused("content_null_without_tool_calls")
    if text is not None and not isinstance(text, str):
        raise Refused("bad_content")
    kept = {key: message[key] for key in TEMPLATE_KEYS if message.get(key) is not None}
    # Some templates add a null content to a text and fail; none makes a difference between null and empty.
    return {**kept, "content": text or ""}


def is_call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str) and bool(function["name"])


def learned_in(messages: list[Message]) -> frozenset[int]:
    """OpenAI's `weight`: 0 leaves an answer out of the loss."""
    return frozenset(
        index
        for index, message in enumerate(messages)
        if message["role"] == "assistant" and message.get("weight", 1) != 0
    )
