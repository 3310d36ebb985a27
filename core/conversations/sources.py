"""The sources that are understood. A row is known by its keys, never by its file's name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from core.conversations import chat_log, chatgpt, claude, langfuse, langsmith, open_webui
from core.conversations.conversation import Conversation
from storage.rows import Content


@dataclass(frozen=True, slots=True)
class Source:
    """`where` says how a person gets the file."""

    name: str
    label: str
    where: str
    knows: Callable[[Content], bool]
    read: Callable[[Content, Mapping[str, int]], Iterator[Conversation]]


#: In the order in which a row is tried.
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "chatgpt",
            "ChatGPT",
            "Settings → Data controls → Export data; the zip file from the e-mail, as it is.",
            chatgpt.knows,
            chatgpt.read,
        ),
        Source(
            "claude",
            "Claude",
            "Settings → Privacy → Export data; the zip file from the e-mail, as it is.",
            claude.knows,
            claude.read,
        ),
        Source(
            "open-webui",
            "Open WebUI",
            "Settings → Data controls → Export chats; or an administrator's export of all chats or of the feedback.",
            open_webui.knows,
            open_webui.read,
        ),
        Source(
            "langsmith",
            "LangSmith",
            "A dataset's examples or a project's runs as JSON or JSONL.",
            langsmith.knows,
            langsmith.read,
        ),
        Source(
            "langfuse",
            "Langfuse",
            "The export of the traces' or observations' table as JSON, JSONL or CSV; or one trace's JSON.",
            langfuse.knows,
            langfuse.read,
        ),
        Source(
            "chat-log",
            "Chat logs",
            'JSONL with a "messages" list a conversation, and a "rating" where there is one.',
            chat_log.knows,
            chat_log.read,
        ),
    )
}
TRANSCRIPT = "transcript"
LABELS = {source.name: source.label for source in SOURCES.values()} | {TRANSCRIPT: "Transcript"}


def source_of(row: Content) -> Source | None:
    return next((source for source in SOURCES.values() if source.knows(row)), None)
