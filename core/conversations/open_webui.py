"""Open WebUI's export of chats, and that of its feedback: a tree of messages with the thumbs beside them."""

from collections.abc import Iterator, Mapping

from core.conversations.conversation import Conversation, Turn, title_of
from core.conversations.tree import Node, untangle
from core.conversations.values import at, moment, rating_of, text_parts
from storage.rows import Content

_ROLES = ("system", "user", "assistant")
#: How it writes what a model did before it answered, into the answer itself.
_ASIDE, _ASIDE_END = "<details type=", "</details>"
_SYSTEM = "the system prompt"


def knows(row: Content) -> bool:
    return _chat(row) is not None


def read(row: Content, _ratings: Mapping[str, int]) -> Iterator[Conversation]:
    outer = at(row, "snapshot", "chat") or row
    chat = _chat(row) or {}
    messages = at(chat, "history", "messages") or {}
    rated = {str(at(row, "meta", "message_id")): rating_of(at(row, "data", "rating"))} if "snapshot" in row else {}
    system = next((text for text in (chat.get("system"), at(chat, "params", "system")) if isinstance(text, str)), "")
    root = _SYSTEM if system.strip() else None
    nodes = {root: Node(None, Turn("system", system))} if root else {}
    for name, message in messages.items():
        if isinstance(message, dict):
            parent = message.get("parentId")
            nodes[name] = Node(parent if isinstance(parent, str) else root, _turn(message, rated.get(name, 0)))
    turns, paths = untangle(nodes, at(chat, "history", "currentId"))
    yield Conversation(
        id=str(outer.get("id") or chat.get("id") or ""),
        title=title_of(outer.get("title") or chat.get("title")),
        when=moment(outer.get("created_at") or chat.get("timestamp")),
        source="open-webui",
        turns=turns,
        paths=paths,
    )


def _chat(row: Content) -> Content | None:
    for chat in (at(row, "snapshot", "chat", "chat"), row.get("chat"), row):
        if isinstance(at(chat, "history", "messages"), dict):
            return {**chat} if isinstance(chat, dict) else None
    return None


def _turn(message: Content, rated: int) -> Turn | None:
    role = message.get("role")
    text = _without_asides(text_parts(message.get("content")))
    if role not in _ROLES or not text.strip():
        return None
    return Turn(role, text, rating_of(at(message, "annotation", "rating")) or rated)


def _without_asides(text: str) -> str:
    """Without thoughts and calls of tools; an ordinary <details> has no type and stays."""
    kept: list[str] = []
    place = 0
    while (start := text.find(_ASIDE, place)) >= 0 and (end := text.find(_ASIDE_END, start)) >= 0:
        kept.append(text[place:start])
        place = end + len(_ASIDE_END)
        while text[place : place + 1] == "\n":
            place += 1
    return "".join([*kept, text[place:]])
