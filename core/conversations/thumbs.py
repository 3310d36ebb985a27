"""Thumbs become examples: a liked and a disliked answer to one prompt are a pair, any other is a rated answer."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.conversations.conversation import Conversation, Turn
from core.conversations.examples import context, from_user, is_asked, prepared
from core.conversations.options import ImportOptions
from storage.rows import Content, Message, encode

#: One prompt makes at most so many pairs.
MOST_PAIRS = 10
#: Prompts that wait for a counterpart; those beyond stay alone.
MOST_PROMPTS = 200_000


@dataclass(frozen=True, slots=True)
class Rated:
    """`prompt` is the key under which answers to the same prompt meet."""

    prompt: bytes
    messages: list[Message]
    answer: Message
    rating: int
    tools: list[Content]

    @property
    def row(self) -> Content:
        """For unpaired preference."""
        return self._with_tools({"prompt": self.messages, "completion": [self.answer], "label": self.rating > 0})

    def over(self, other: Message) -> Content:
        """For preference: this one was liked, the other one was not."""
        return self._with_tools({"prompt": self.messages, "chosen": [self.answer], "rejected": [other]})

    def _with_tools(self, row: Content) -> Content:
        return row | {"tools": self.tools} if self.tools else row


def rated_answers(conversation: Conversation, options: ImportOptions) -> Iterator[Rated]:
    """Every answer with a thumb, on whichever branch; each once."""
    seen: set[tuple[bytes, bytes]] = set()
    for path in conversation.paths:
        turns = prepared([conversation.turns[index] for index in path], options)
        for number, turn in enumerate(turns):
            if not _counts(turns, number, turn, options):
                continue
            before = [one.message for one in from_user(context(turns[:number], options))]
            prompt = _digest({"prompt": before})
            if (prompt, _digest(turn.message)) not in seen:
                seen.add((prompt, _digest(turn.message)))
                yield Rated(prompt, before, turn.message, turn.rating, [dict(tool) for tool in conversation.tools])


def _counts(turns: list[Turn], number: int, turn: Turn, options: ImportOptions) -> bool:
    if turn.role != "assistant" or not turn.rating or not is_asked(turns, number):
        return False
    text = turn.text.casefold()
    if any(word.casefold() in text for word in options.drop_answers_with):
        return False
    return len(turn.text.strip()) >= options.minimum_characters


@dataclass(slots=True)
class _Prompt:
    """Answers to one prompt that were rated so far."""

    liked: list[Rated] = field(default_factory=list)
    disliked: list[Message] = field(default_factory=list)
    pairs: int = 0


class Pairing:
    """Brings liked and disliked answers together, also those of different conversations with the same prompt."""

    def __init__(self) -> None:
        self._prompts: dict[bytes, _Prompt] = {}
        self.rated = 0

    @property
    def alone(self) -> int:
        """Rated answers whose prompt has only liked or only disliked ones."""
        paired = sum(len(one.liked) + len(one.disliked) for one in self._prompts.values() if one.pairs)
        return self.rated - paired

    def add(self, rated: Rated) -> Iterator[Content]:
        """The pairs that this answer completes."""
        self.rated += 1
        if rated.prompt not in self._prompts and len(self._prompts) >= MOST_PROMPTS:
            return
        prompt = self._prompts.setdefault(rated.prompt, _Prompt())
        if rated.rating > 0:
            pairs = [(rated, other) for other in prompt.disliked]
            prompt.liked.append(rated)
        else:
            pairs = [(liked, rated.answer) for liked in prompt.liked]
            prompt.disliked.append(rated.answer)
        for liked, other in pairs:
            if liked.answer != other and prompt.pairs < MOST_PAIRS:
                prompt.pairs += 1
                yield liked.over(other)


def _digest(value: Content) -> bytes:
    return hashlib.blake2b(encode(value), digest_size=16).digest()
