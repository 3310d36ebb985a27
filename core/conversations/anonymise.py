"""Personal data and secrets replaced by placeholders: [EMAIL_1] is the same address wherever a conversation has it.

What has a form of its own is found (`core.checks.patterns`) and names that are given; nothing else is.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.checks.patterns import PATTERNS, Found, Pattern, find
from core.conversations.conversation import Conversation, Turn

LABELS = {
    "email address": "EMAIL",
    "phone number": "PHONE",
    "card number": "CARD",
    "IBAN": "IBAN",
    "social security number": "SSN",
    "IP address": "IP",
    "name": "NAME",
}
#: Whatever is a secret, of whichever kind.
SECRET = "KEY"
_PLACEHOLDER = re.compile(r"\[([A-Z]{2,5})_(\d{1,9})\]")
_ADDRESS = Pattern(
    "IP address",
    False,
    (".",),
    re.compile(r"\d(?<![\w.-].)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\d)"),
    lambda text: _is_machine(text),
)
#: Characters around a replacement in a preview.
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement for a preview: `what` is the label."""

    what: str
    before: str
    after: str


class Anonymiser:
    """For one import. `counts` and `changes` are of the conversations that were told to `count`."""

    def __init__(self, names: Sequence[str] = (), keep_changes: int = 20) -> None:
        self.counts: Counter[str] = Counter()
        self.changes: list[Change] = []
        self._keep = keep_changes
        self._counted: Counter[str] = Counter()
        self._changed: list[Change] = []
        self._patterns = (*PATTERNS, _ADDRESS, *_names(names))

    def conversation(self, conversation: Conversation) -> Conversation:
        self._counted, self._changed = Counter(), []
        names = _Placeholders(turn.text for turn in conversation.turns)
        turns = tuple(self._turn(turn, names) for turn in conversation.turns)
        return replace(conversation, turns=turns)

    def count(self) -> None:
        """The conversation that went through last has become an example."""
        self.counts += self._counted
        self.changes += self._changed[: self._keep - len(self.changes)]

    def _turn(self, turn: Turn, names: "_Placeholders") -> Turn:
        more = {key: self._value(value, names) for key, value in turn.more.items() if key != "tool_call_id"}
        if "tool_call_id" in turn.more:
            more["tool_call_id"] = turn.more["tool_call_id"]
        return replace(turn, text=self.text(turn.text, names), more=more)

    def text(self, text: str, names: "_Placeholders") -> str:
        found = sorted(find(text, self._patterns), key=lambda one: one.start)
        parts: list[str] = []
        place = 0
        for one in found:
            label = SECRET if one.is_secret else LABELS[one.kind]
            placeholder = names.of(label, text[one.start : one.end])
            self._count(label, text, one, placeholder)
            parts += [text[place : one.start], placeholder]
            place = one.end
        return "".join([*parts, text[place:]])

    def _value(self, value: Any, names: "_Placeholders", key: str = "") -> Any:
        """Calls of tools: their arguments are JSON in a text, and must stay it."""
        if isinstance(value, Mapping):
            return {inner: self._value(one, names, inner) for inner, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(one, names) for one in value]
        if isinstance(value, str) and key == "arguments":
            return self._arguments(value, names)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 999_999:
            changed = self.text(str(value), names)
            return value if changed == str(value) else changed
        return self.text(value, names) if isinstance(value, str) and key not in ("id", "type") else value

    def _arguments(self, text: str, names: "_Placeholders") -> str:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text, names)
        changed = self._value(value, names)
        return text if changed == value else json.dumps(changed, ensure_ascii=False)

    def _count(self, label: str, text: str, one: Found, placeholder: str) -> None:
        self._counted[label] += 1
        if len(self._changed) >= self._keep:
            return
        before, after = text[max(0, one.start - _AROUND) : one.start], text[one.end : one.end + _AROUND]
        self._changed.append(Change(label, before + text[one.start : one.end] + after, before + placeholder + after))


class _Placeholders:
    """The numbers within one conversation. Placeholders that its texts have already are not given again."""

    def __init__(self, texts: Any) -> None:
        self._taken = {match[0] for text in texts for match in _PLACEHOLDER.finditer(text)}
        self._given: dict[tuple[str, str], str] = {}
        self._last: Counter[str] = Counter()

    def of(self, label: str, value: str) -> str:
        key = (label, _same(label, value))
        if key not in self._given:
            while True:
                self._last[label] += 1
                placeholder = f"[{label}_{self._last[label]}]"
                if placeholder not in self._taken:
                    break
            self._given[key] = placeholder
        return self._given[key]


def _same(label: str, value: str) -> str:
    """Two ways to write one thing are one thing."""
    if label in ("PHONE", "CARD", "SSN"):
        return "".join(character for character in value if character.isdecimal())
    if label == "IBAN":
        return "".join(value.split()).upper()
    return " ".join(value.split()).casefold() if label in ("EMAIL", "NAME") else value


def _names(names: Sequence[str]) -> tuple[Pattern, ...]:
    """Longer ones first, so that “Anna Schmidt” is one name and not “Anna” with a rest."""
    given = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
    if not given:
        return ()
    any_of = "|".join(r"\s+".join(map(re.escape, name.split())) for name in given)
    return (Pattern("name", False, ("",), re.compile(rf"(?<!\w)(?:{any_of})(?!\w)", re.IGNORECASE), lambda _: True),)


def _is_machine(text: str) -> bool:
    """An address of some machine: not of every one (127.0.0.1, 0.0.0.0), not a mask, and no version such as 1.2.3.4."""
    parts = text.split(".")
    if any(int(part) > 255 or (len(part) > 1 and part[0] == "0") for part in parts):
        return False
    return parts[0] not in ("0", "127", "255") and sum(map(len, parts)) > 5
