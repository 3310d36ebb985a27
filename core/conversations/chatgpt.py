"""ChatGPT's export: a tree of messages a conversation, and the thumbs in a file of their own.

The shape is nowhere documented by its maker; this follows exports as they are.
"""

from collections.abc import Iterator, Mapping

from core.conversations.conversation import Conversation, Turn, title_of
from core.conversations.tree import Node, untangle
from core.conversations.values import at, moment, rating_of
from storage.rows import Content

FEEDBACK = "message_feedback.json"
_SHOWN_ROLES = ("system", "user", "assistant")
_SHOWN_CONTENT = ("text", "multimodal_text")


def knows(row: Content) -> bool:
    return isinstance(row.get("mapping"), dict)


def read(row: Content, ratings: Mapping[str, int]) -> Iterator[Conversation]:
    """`ratings` by the messages' ids, from `message_feedback.json`."""
    nodes = {
        name: Node(_parent(node), _turn(node.get("message"), ratings))
        for name, node in row["mapping"].items()
        if isinstance(node, dict)
    }
    turns, paths = untangle(nodes, row.get("current_node"))
    yield Conversation(
        id=str(row.get("conversation_id") or row.get("id") or ""),
        title=title_of(row.get("title")),
        when=moment(row.get("create_time")),
        source="chatgpt",
        turns=turns,
        paths=paths,
    )


def rating(entry: Content) -> tuple[str, int] | None:
    """(the message's id, its thumb) of an entry of `message_feedback.json`."""
    message = entry.get("message_id") or entry.get("id")
    thumb = rating_of(entry.get("rating"))
    return (message, thumb) if isinstance(message, str) and thumb else None


def _parent(node: Content) -> str | None:
    parent = node.get("parent")
    return parent if isinstance(parent, str) else None


def _turn(message: object, ratings: Mapping[str, int]) -> Turn | None:
    """None for what the user never saw: hidden messages, calls of tools and their results, thoughts, pictures."""
    if not isinstance(message, dict):
        return None
    role = at(message, "author", "role")
    hidden = at(message, "metadata", "is_visually_hidden_from_conversation")
    if role not in _SHOWN_ROLES or message.get("weight") == 0 or hidden:
        return None
    if message.get("recipient") not in (None, "all") or message.get("channel") == "analysis":
        return None
    text = _text(message.get("content"))
    return Turn(role, text, ratings.get(str(message.get("id")), 0)) if text.strip() else None


def _text(content: object) -> str:
    if not isinstance(content, dict) or content.get("content_type") not in _SHOWN_CONTENT:
        return ""
    parts = content.get("parts")
    # A part that is an object is a picture or a sound, and of a sound there is what was said.
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str) and text)
