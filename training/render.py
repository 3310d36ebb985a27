"""Conversations as the text that the model sees, and where in it the answers stand.

Masked here, not by TRL: its `assistant_only_loss` refuses every chat template without `{% generation %}` marks, and
most models' own templates have none.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from storage.rows import Message
from training.conversations import Conversation, Refused
from training.limits import TEMPLATE_CPU_S, TooSlow, cpu_limit

#: What somebody else's program can raise.
TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
#: Stands for an answer while we look for its place; no tokenizer's control token, and nobody's text.
MARK = "\ue000answer\ue001"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rendered:
    """`learned` are character spans; `is_open` says that the last one ends the text. `notes` are codes to tell."""

    text: str
    learned: tuple[Span, ...] = ()
    is_open: bool = False
    adds_special: bool = False
    notes: tuple[str, ...] = ()


class Renderer:
    """Applies one model's chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        template = tokenizer.chat_template or ""
        self._source = json.dumps(template) if isinstance(template, dict) else str(template)
        control = sorted(map(re.escape, tokenizer.all_special_tokens), key=len, reverse=True)
        self._end_of_turn = re.compile(f"(?:{'|'.join(control)})+" if control else r"(?!)")

    @property
    def has_template(self) -> bool:
        return bool(self._source)

    def render(self, conversation: Conversation) -> Rendered:
        """Raises Refused where the template cannot write this conversation, or would lose some of it."""
        if conversation.text is not None:
            return Rendered(conversation.text, ((0, len(conversation.text)),), is_open=True, adds_special=True)
        try:
            with cpu_limit():
                return self._render(conversation)
        except TooSlow:
            message = f"The model's chat template takes longer than {TEMPLATE_CPU_S:.0f} s."
            raise Refused("template_refuses", message) from None
        except TEMPLATE_ERRORS as error:
            said = f"{error}".partition("\n")[0][:300] or type(error).__name__
            raise Refused("template_refuses", f"The model's chat template refuses it: {said}") from error

    def prompt(self, conversation: Conversation) -> str:
        """What the model is asked: everything before the last answer, and the template's invitation to answer."""
        if conversation.text is not None:
            return conversation.opening
        return self._apply(conversation, self._prepared(conversation.prompt), asks=True)

    def _render(self, conversation: Conversation) -> Rendered:
        messages = self._prepared(conversation.messages)
        try:
            text = self._apply(conversation, messages, asks=conversation.asks)
        except TEMPLATE_ERRORS:
            # Most templates want a call's arguments as an object, some as OpenAI's text.
            messages = self._prepared(conversation.messages, as_text=True)
            text = self._apply(conversation, messages, asks=conversation.asks)
        learned = tuple(self._answer(conversation, messages, index, text) for index in sorted(conversation.learned))
        for index, span in zip(sorted(conversation.learned), learned, strict=True):
            check_whole(messages[index], text[slice(*span)])
        is_open = bool(learned) and learned[-1][1] >= len(text.rstrip())
        return Rendered(text, learned, is_open, notes=tuple(self._notes(conversation, text)))

    def _answer(self, conversation: Conversation, messages: list[Message], index: int, text: str) -> Span:
        """Found by writing the conversation up to the answer and through it."""
        if index == 0:
            return self._answer_by_mark(conversation, messages, index, text)
        before = self._apply(conversation, messages[:index], asks=True)
        is_last = index + 1 == len(messages)
        through = text if is_last else self._apply(conversation, messages[: index + 1], asks=False)
        if not (text.startswith(before) and text.startswith(through) and len(before) < len(through)):
            return self._answer_by_mark(conversation, messages, index, text)
        # The line break after the end-of-turn mark is never generated, so it is not learned; one that the answer
        # itself ends with is.
        content = messages[index]["content"]
        at = text.find(content, len(before), len(through))
        return len(before), max(len(through.rstrip()), at + len(content))

    def _answer_by_mark(self, conversation: Conversation, messages: list[Message], index: int, text: str) -> Span:
        """Some templates write an answer differently once the conversation goes on (Qwen 3 drops its thoughts)."""
        content = messages[index]["content"]
        marked = self._apply(
            conversation, [*messages[:index], {**messages[index], "content": MARK}, *messages[index + 1 :]], asks=False
        )
        start = marked.find(MARK)
        written = next((form for form in (content, content.strip()) if form and text.startswith(form, start)), "")
        if start < 0 or not written or text[:start] != marked[:start]:
            raise Refused(
                "template_refuses",
                "The model's chat template rewrites earlier messages when a conversation goes on, so answer "
                f"{index + 1} cannot be told from its prompt.",
            )
        end = start + len(written)
        closing = self._end_of_turn.match(text, end)
        return start, closing.end() if closing else end

    def _apply(self, conversation: Conversation, messages: list[Message], *, asks: bool) -> str:
        text: str = self._tokenizer.apply_chat_template(
            messages, tools=conversation.tools or None, tokenize=False, add_generation_prompt=asks
        )
        return text

    def _prepared(self, messages: list[Message], *, as_text: bool = False) -> list[Message]:
        knows_developer = "developer" in self._source
        prepared = []
        for message in messages:
            if message["role"] == "developer" and not knows_developer:
                message = {**message, "role": "system"}
            if message.get("tool_calls") and not as_text:
                message = {**message, "tool_calls": [with_object(call) for call in message["tool_calls"]]}
            prepared.append(message)
        return prepared

    def _notes(self, conversation: Conversation, text: str) -> list[str]:
        """What of the row the template has no place for, where the row can still be learned from."""
        notes = []
        if conversation.tools and "tools" not in self._source:
            notes.append("template_ignores_tools")
        thoughts = (conversation.messages[index].get("reasoning_content") for index in conversation.learned)
        if any(thought and str(thought).strip() not in text for thought in thoughts):
            notes.append("template_ignores_reasoning")
        return notes


def check_whole(message: Message, written: str) -> None:
    """Whitespace around an answer may go, as many templates trim it; nothing else may."""
    if message["content"].strip() not in written:
        raise Refused("template_drops_text")
    for call in message.get("tool_calls") or ():
        if call["function"]["name"] not in written:
            raise Refused("template_drops_text", f"It leaves out the call of {call['function']['name']}.")


def with_object(call: dict[str, Any]) -> dict[str, Any]:
    """The call with its arguments as an object, where they are one in a text."""
    arguments = call["function"].get("arguments")
    if not isinstance(arguments, str):
        return call
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        return call
    return {**call, "function": {**call["function"], "arguments": parsed}} if isinstance(parsed, dict) else call
