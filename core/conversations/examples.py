"""A conversation as examples: whole, or one an answer. What is not to be learned stays as context, with weight 0."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from core.conversations.conversation import Conversation, Turn
from core.conversations.options import ImportOptions, Liked, Result, System
from storage.rows import Content, Message


def examples(conversation: Conversation, options: ImportOptions) -> Iterator[Content]:
    """Rows of OpenAI's chat format. None where nothing of the conversation is to be learned."""
    turns = prepared(conversation.main, options)
    learned = [n for n, turn in enumerate(turns) if is_asked(turns, n) and is_learned(turn, options)]
    if options.result is Result.ANSWERS:
        for number in learned:
            yield _row(conversation, [*context(turns[:number], options), turns[number]], {id(turns[number])})
    elif learned:
        yield _row(conversation, turns[: learned[-1] + 1], {id(turns[number]) for number in learned})


def is_left_out(conversation: Conversation, options: ImportOptions) -> bool:
    """By the words that the user does not want in the dataset."""
    words = [word.casefold() for word in options.drop_conversations_with]
    return bool(words) and any(word in turn.text.casefold() for turn in conversation.main for word in words)


def is_learned(turn: Turn, options: ImportOptions) -> bool:
    if turn.role != "assistant" or not (turn.text.strip() or turn.more.get("tool_calls")):
        return False
    if turn.text and len(turn.text.strip()) < options.minimum_characters:
        return False
    if turn.rating < 0 and options.liked is Liked.NOT_DISLIKED:
        return False
    if turn.rating <= 0 and options.liked is Liked.ONLY_LIKED:
        return False
    text = turn.text.casefold()
    return not any(word.casefold() in text for word in options.drop_answers_with)


def is_asked(turns: Sequence[Turn], number: int) -> bool:
    """Whether anybody said anything before: a greeting answers nothing."""
    return any(turn.role == "user" for turn in turns[:number])


def prepared(turns: Sequence[Turn], options: ImportOptions) -> list[Turn]:
    """With the system prompt that is wanted, and with turns of the same speaker as one."""
    said = [turn for turn in turns if turn.role != "system"]
    system = "\n\n".join(turn.text for turn in turns if turn.role == "system")
    if options.system is System.DROP:
        system = ""
    elif options.system is System.REPLACE:
        system = options.system_text.strip()
    first = [Turn("system", system)] if system else []
    return first + [_joined(list(group)) for _, group in groupby(said, key=_speaker)]


def context(turns: Sequence[Turn], options: ImportOptions) -> list[Turn]:
    """The last of the earlier turns, from a user's on, behind the system prompt."""
    system = [turn for turn in turns[:1] if turn.role == "system"]
    said = list(turns[len(system) :])[-options.context_messages :]
    start = next((n for n, turn in enumerate(said) if turn.role == "user"), len(said))
    if start == len(said):  # all of it is tools' work on a question further up
        last = max(n for n, turn in enumerate(turns) if turn.role == "user")
        return system + list(turns[last:])
    return system + said[start:]


def _speaker(turn: Turn) -> object:
    """Answers of tools and calls of them stay as they are: each belongs to one call."""
    return turn.role if turn.role in ("user", "assistant") and not turn.more else id(turn)


def _joined(turns: list[Turn]) -> Turn:
    if len(turns) == 1:
        return turns[0]
    rating = next((turn.rating for turn in reversed(turns) if turn.rating), 0)
    return replace(turns[0], text="\n\n".join(turn.text for turn in turns), rating=rating)


def _row(conversation: Conversation, turns: Sequence[Turn], learned: set[int]) -> Content:
    row: Content = {"messages": [_message(turn, id(turn) in learned) for turn in from_user(turns)]}
    if conversation.tools:
        row["tools"] = list(conversation.tools)
    return row


def from_user(turns: Sequence[Turn]) -> list[Turn]:
    """Without what an assistant said before anybody asked: most chat templates refuse it."""
    first = next(n for n, turn in enumerate(turns) if turn.role == "user")
    return [turn for n, turn in enumerate(turns) if n >= first or turn.role == "system"]


def _message(turn: Turn, is_learned: bool) -> Message:
    return turn.message if is_learned or turn.role != "assistant" else turn.message | {"weight": 0}
