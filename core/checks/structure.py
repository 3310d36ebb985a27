"""Is a row what its kind asks for? Checks of one canonical row, in the order in which a reader would notice."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from storage.rows import Content, Kind, Message

#: (code, detail)
Verdict = tuple[str, str]

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_SIDES = ("chosen", "rejected", "completion")
_INSTRUCTIONS = ("system", "developer")
#: Control tokens of the chat templates in use, whole and mistyped (<|im_end>).
SPECIAL_TOKEN = re.compile(
    r"<\|[A-Za-z][\w ]{0,40}\|?>|<｜[^｜<>]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
)
#: UTF-8 read as Latin-1 or Windows-1252 once, and what decoders put in place of what they cannot read.
ENCODING_DAMAGE = re.compile(
    "\ufffd|Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Â[\u00a0-\u00bf]|â€[\u0080-\u00bf™œ\u009d“”˜¦]"
)
FORMULA = re.compile(r"[=@+\-](?:[A-Za-z][A-Za-z.]*\(|[^\n]*\|[^\n]*!)|#(?:NAME\?|REF!|VALUE!|DIV/0!|N/A)$")
_LETTER_OR_DIGIT = re.compile(r"\w")


def check(content: Content, kind: Kind) -> list[Verdict]:
    """Everything that is wrong with a canonical row; none of its siblings is looked at."""
    if kind is Kind.TEXT:
        return _check_text(content)
    sides: dict[str, list[Message]] = {side: content[side] for side in _SIDES if side in content}
    prompt: list[Message] = content["prompt"] if "prompt" in content else content["messages"]
    found = list(_check_order(prompt + _first_side(sides), kind))
    everything = prompt + [message for side in sides.values() for message in side]
    for number, message in enumerate(everything, start=1):
        found += _check_message(message, f"Message {number} ({message['role']})")
    found += _check_tools(content, prompt + _first_side(sides))
    found += _check_kind(content, kind, sides)
    return found


def texts(content: Content) -> Iterator[str]:
    """Everything in the row that a model would read or learn."""
    if "text" in content:
        yield content["text"]
    for key in ("messages", "prompt", "chosen", "rejected", "completion"):
        for message in content.get(key, ()):
            yield message["content"]
            if "reasoning_content" in message:
                yield message["reasoning_content"]
            for call in message.get("tool_calls", ()):
                yield call["function"]["arguments"]


def _first_side(sides: dict[str, list[Message]]) -> list[Message]:
    return next(iter(sides.values()), [])


def _check_text(content: Content) -> list[Verdict]:
    if not content["text"].strip():
        return [("empty_content", "The text is empty.")]
    return list(check_characters(content["text"], "The text"))


def check_characters(text: str, where: str) -> Iterator[Verdict]:
    """What a text should not hold, whatever it says."""
    if special := SPECIAL_TOKEN.search(text):
        yield "special_token", f"{where} holds {special[0]}"
    if damage := ENCODING_DAMAGE.search(text):
        yield "encoding_damage", f"{where} holds “{text[max(0, damage.start() - 10) : damage.end() + 10]}”"


def _check_message(message: Message, where: str) -> Iterator[Verdict]:
    role, text = message["role"], message["content"]
    if role not in ROLES:
        yield "bad_role", f"{where}: the role “{role[:40]}” is unknown."
    if not text.strip() and role != "tool" and not message.get("tool_calls"):
        yield "empty_content", f"{where} is empty."
    weight = message.get("weight")
    if weight is not None and role != "assistant":
        yield "weight_on_non_assistant", f"{where} has a weight."
    if weight is not None and (isinstance(weight, bool) or weight not in (0, 1)):
        yield "weight_not_0_1", f"{where} has the weight {json.dumps(weight)[:40]}."
    yield from check_characters(text, where)


def _check_order(messages: list[Message], kind: Kind) -> Iterator[Verdict]:
    roles = [message["role"] for message in messages]
    if "user" not in roles:
        yield "no_user", "No message is the user's."
    if any(role in _INSTRUCTIONS for role in roles[1:]):
        yield "system_not_first", "A system message stands behind another one."
    spoken = [role for role in roles if role not in _INSTRUCTIONS]
    if spoken[:1] == ["assistant"]:
        yield "first_role_assistant", "The assistant speaks first."
    twice = next((role for role, after in pairwise(roles) if role == after and role != "tool"), None)
    if twice:
        yield "consecutive_same_role", f"Two messages of the role {twice} follow each other."
    if kind is Kind.SUPERVISED:
        yield from _check_answers(messages, roles)
    elif kind is Kind.REINFORCEMENT and roles[-1] == "assistant":
        yield "last_is_assistant", "The last message is the assistant's."


def _check_answers(messages: list[Message], roles: list[str]) -> Iterator[Verdict]:
    if "assistant" not in roles:
        yield "no_assistant", "No message is the assistant's."
    elif roles[-1] != "assistant":
        yield "last_not_assistant", f"The last message is the {roles[-1]}'s."
    answers = [message for message in messages if message["role"] == "assistant"]
    if answers and all(message.get("weight") == 0 for message in answers):
        yield "all_weights_zero", "No answer would be learned."
    last = messages[-1]["content"].strip()
    # “4”, “No” and “B” are answers; “.” and “?!” hardly are.
    if roles[-1] == "assistant" and 0 < len(last) <= 2 and not _LETTER_OR_DIGIT.search(last):
        yield "very_short", f"The answer is “{last}”."


def _check_tools(content: Content, messages: list[Message]) -> Iterator[Verdict]:
    described = {tool["function"]["name"] for tool in content.get("tools", ())}
    open_calls: set[str] = set()
    for message in messages:
        for call in message.get("tool_calls", ()):
            function = call["function"]
            if described and function["name"] not in described:
                yield "tool_not_in_tools", f"{function['name']} is called but not described."
            if not _is_json_object(function["arguments"]):
                yield "tool_call_args_not_json", f"{function['name']} is called with “{function['arguments'][:60]}”."
            open_calls.add(call["id"])
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                yield "tool_call_id_unmatched", f"No call before it has the id “{message.get('tool_call_id', '')}”."
            open_calls.discard(message.get("tool_call_id", ""))


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _check_kind(content: Content, kind: Kind, sides: dict[str, list[Message]]) -> Iterator[Verdict]:
    for name, side in sides.items():
        if [message["role"] for message in side] != ["assistant"]:
            yield "not_one_answer", f"“{name}” has {len(side)} messages; one of the assistant is needed."
    if kind is Kind.PREFERENCE and content["chosen"] == content["rejected"]:
        yield "chosen_equals_rejected", "Nothing can be preferred."
    if kind is Kind.REINFORCEMENT and not content.get("item"):
        yield "no_item", "There is no column beside the messages."
