"""Claude's export: the messages in order, and in newer exports whose answer each is."""

from collections.abc import Iterator, Mapping

from core.conversations.conversation import Conversation, Turn, title_of
from core.conversations.tree import Node, untangle
from core.conversations.values import moment, rating_of, text_parts
from storage.rows import Content

_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}


def knows(row: Content) -> bool:
    return isinstance(row.get("chat_messages"), list)


def read(row: Content, _ratings: Mapping[str, int]) -> Iterator[Conversation]:
    messages = [message for message in row["chat_messages"] if isinstance(message, dict)]
    is_tree = any(message.get("parent_message_uuid") for message in messages)
    nodes: dict[str, Node] = {}
    before: str | None = None
    for number, message in enumerate(messages):
        name = str(message.get("uuid") or number)
        parent = message.get("parent_message_uuid") if is_tree else before
        nodes[name] = Node(parent if isinstance(parent, str) else None, _turn(message))
        before = name
    turns, paths = untangle(nodes, row.get("current_leaf_message_uuid") or before)
    yield Conversation(
        id=str(row.get("uuid") or ""),
        title=title_of(row.get("name")),
        when=moment(row.get("created_at")),
        source="claude",
        turns=turns,
        paths=paths,
    )


def _turn(message: Content) -> Turn | None:
    role = _ROLES.get(str(message.get("sender")))
    # `text` beside it says of thoughts and tools that they cannot be shown, so the parts go first.
    text = text_parts(message.get("content")) or text_parts(message.get("text"))
    if role == "user":
        text = "\n\n".join(filter(None, (text, *_attached(message))))
    if role is None or not text.strip():
        return None
    feedback = message.get("feedback")
    return Turn(role, text, rating_of(feedback.get("type") if isinstance(feedback, dict) else feedback))


def _attached(message: Content) -> Iterator[str]:
    """Texts that were sent along: without them the answer would be about nothing."""
    attachments = message.get("attachments")
    for file in attachments if isinstance(attachments, list) else ():
        if isinstance(file, dict) and isinstance(file.get("extracted_content"), str) and file["extracted_content"]:
            yield f"{file.get('file_name') or 'Attachment'}:\n{file['extracted_content']}"
