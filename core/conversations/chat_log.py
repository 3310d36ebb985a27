"""Logs of one's own: {"messages": […]} a conversation, with a thumb beside an answer where somebody gave one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from core.conversations.conversation import Conversation, title_of
from core.conversations.model_calls import tools_of, turns_of
from core.conversations.rated import question, rate_last
from core.conversations.values import moment, rating_of
from storage.rows import Content

_THUMBS = ("rating", "feedback", "thumb", "thumbs")


def knows(row: Content) -> bool:
    return isinstance(row.get("messages"), list)


def read(row: Content, _ratings: Mapping[str, int]) -> Iterator[Conversation]:
    messages = row["messages"]
    asked = next((n for n, message in enumerate(messages) if _role(message) in ("assistant", "ai")), len(messages))
    turns = turns_of(messages[:asked], messages[asked:])
    if len(turns) == len(messages):
        turns = [replace(turn, rating=_thumb(message)) for turn, message in zip(turns, messages, strict=True)]
    if thumb := _thumb(row):
        turns = rate_last(turns, thumb)
    yield Conversation.straight(
        turns,
        id=str(row.get("id") or row.get("conversation_id") or ""),
        title=title_of(row.get("title") or question(turns)),
        when=moment(row.get("created_at") or row.get("timestamp") or row.get("create_time")),
        source="chat-log",
        tools=tools_of(row),
    )


def _role(message: object) -> object:
    return (message.get("role") or message.get("type")) if isinstance(message, dict) else None


def _thumb(row: object) -> int:
    return next((rating_of(row[key]) for key in _THUMBS if key in row), 0) if isinstance(row, dict) else 0
