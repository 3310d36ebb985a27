"""Small exports as the products write them, by hand: for the tests of the import from conversations."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def node(name: str, parent: str | None, role: str = "", text: str = "", **more: Any) -> tuple[str, Json]:
    """One entry of ChatGPT's mapping; without a role it has no message."""
    message = None
    if role:
        content = {"content_type": "text", "parts": [text]}
        message = {"id": name, "author": {"role": role}, "content": content, "weight": 1, "recipient": "all", **more}
    return name, {"id": name, "message": message, "parent": parent, "children": []}


def chatgpt(*nodes: tuple[str, Json], current: str = "", title: str = "Grüße 👋", number: int = 1) -> Json:
    return {
        "title": title,
        "create_time": 1700000000.25 + number,
        "mapping": dict(nodes),
        "current_node": current or nodes[-1][0],
        "conversation_id": f"c-{number}",
        "default_model_slug": "gpt-4o",
    }


#: A greeting, a hidden instruction, a tool in between, a picture, and an answer that was regenerated once.
CHATGPT = chatgpt(
    node("root", None),
    node("hidden", "root", "system", "You are ChatGPT.", weight=0),
    node(
        "profile", "hidden", "user", "I live in Berlin.", metadata={"is_visually_hidden_from_conversation": True}
    ),
    node("q1", "profile", "user", "Wie heißt „Danke“ auf Japanisch? 🇯🇵"),
    node("call", "q1", "assistant", 'search("danke")', recipient="browser"),
    node("result", "call", "tool", "ありがとう"),
    node("thought", "result", "assistant", "The user wants…", channel="analysis"),
    node("a1-old", "thought", "assistant", "Arigato."),
    node("a1", "thought", "assistant", "ありがとう (arigatō)."),
    node("q2", "a1", "user", "And what is this?", content={
        "content_type": "multimodal_text",
        "parts": [{"content_type": "image_asset_pointer", "asset_pointer": "file-1"}, "And what is this?"],
    }),
    node("a2", "q2", "assistant", "A cat 🐈‍⬛."),
)  # fmt: skip
CHATGPT_FEEDBACK = [
    {"id": "a1", "conversation_id": "c-1", "rating": "thumbs_up", "content": "{}"},
    {"message_id": "a1-old", "conversation_id": "c-1", "rating": "thumbsDown"},
    {"id": "nobody", "conversation_id": "c-9", "rating": "thumbs_up"},
]

CLAUDE = {
    "uuid": "0c1",
    "name": "",
    "created_at": "2024-03-05T10:00:00.000000Z",
    "chat_messages": [
        {
            "uuid": "m1",
            "sender": "human",
            "text": "Summarise the file.",
            "content": [{"type": "text", "text": "Summarise the file."}],
            "attachments": [{"file_name": "notes.txt", "extracted_content": "Bees dance."}],
            "parent_message_uuid": "00000000-0000-4000-8000-000000000000",
        },
        {
            "uuid": "m2",
            "sender": "assistant",
            "text": "This block is not supported on your current device yet.\n\nBees do dance.",
            "content": [{"type": "thinking", "thinking": "Hmm."}, {"type": "text", "text": "Bees do dance."}],
            "parent_message_uuid": "m1",
        },
        {
            "uuid": "m3",
            "sender": "assistant",
            "content": [{"type": "text", "text": "The notes say that bees dance."}],
            "parent_message_uuid": "m1",
        },
    ],
    "current_leaf_message_uuid": "m3",
}

OPEN_WEBUI = {
    "id": "w-1",
    "user_id": "u",
    "title": "Router",
    "created_at": 1711000000,
    "chat": {
        "title": "Router",
        "params": {"system": "You help with networks."},
        "history": {
            "currentId": "b",
            "messages": {
                "q": {"id": "q", "parentId": None, "childrenIds": ["a", "b"], "role": "user", "content": "Reset it?"},
                "a": {"id": "a", "parentId": "q", "role": "assistant", "content": "No.", "annotation": {"rating": -1}},
                "b": {
                    "id": "b",
                    "parentId": "q",
                    "role": "assistant",
                    "content": '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> Hm\n</details>\n'
                    "Hold the button for ten seconds.",
                    "annotation": {"rating": 1},
                },
            },
        },
        "messages": [],
    },
}

LANGSMITH_EXAMPLE = {"id": "e", "inputs": {"question": "What is 2+2?"}, "outputs": {"answer": "4"}, "metadata": {}}
LANGSMITH_RUN = {
    "id": "r",
    "trace_id": "t",
    "parent_run_id": "p",
    "run_type": "llm",
    "name": "ChatOpenAI",
    "start_time": "2024-05-01T08:00:00",
    "inputs": {
        "messages": [
            [
                {
                    "lc": 1,
                    "type": "constructor",
                    "id": ["langchain", "schema", "messages", "SystemMessage"],
                    "kwargs": {"content": "Be brief."},
                },
                {
                    "lc": 1,
                    "type": "constructor",
                    "id": ["langchain", "schema", "messages", "HumanMessage"],
                    "kwargs": {"content": "Weather in Oslo?"},
                },
            ]
        ]
    },
    "outputs": {
        "generations": [
            [{"text": "Rain.", "message": {"lc": 1, "kwargs": {"content": "Rain.", "type": "ai"}}}],
        ]
    },
    "feedback_stats": {"user_score": {"n": 1, "avg": 1.0}, "toxicity": {"n": 1, "avg": 0.0}},
}
LANGSMITH_CHAIN = {
    "id": "p",
    "trace_id": "t",
    "parent_run_id": None,
    "run_type": "chain",
    "inputs": {"input": "Weather in Oslo?"},
    "outputs": {"output": "Rain."},
}

LANGFUSE_GENERATION = {
    "id": "g",
    "traceId": "t",
    "type": "GENERATION",
    "name": "chat",
    "model": "gpt-4o",
    "startTime": "2024-06-01T12:00:00.000Z",
    "input": [{"role": "user", "content": [{"type": "text", "text": "Order 17?"}]}],
    "output": {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "find", "arguments": '{"order": 17}'}}
    ]},
    "scores": [{"name": "user-feedback", "value": 0, "dataType": "BOOLEAN"}],
}  # fmt: skip
LANGFUSE_TRACE = {
    "id": "t",
    "timestamp": "2024-06-01T12:00:00.000Z",
    "input": {"question": "Order 17?"},
    "output": "On its way.",
    "scores": [],
}

TRANSCRIPT = """User: Where is my parcel?
Assistant: Let me see.

Answer: it left this morning.
User: Thanks!
Assistant: You are welcome.
---
User: Hi
Assistant: Hello!
"""


def zipped(path: Path, **files: object) -> Path:
    """`conversations=[…]` becomes conversations.json."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.html", "<html></html>")
        for name, value in files.items():
            archive.writestr(f"{name}.json", json.dumps(value))
    return path


def zipped_bytes(count: int = 12) -> bytes:
    """A ChatGPT export of `count` conversations with mail addresses; every second answer is liked."""
    conversations, feedback = [], []
    for number in range(count):
        q, bad, good = f"q{number}", f"bad{number}", f"good{number}"
        conversations.append(
            chatgpt(
                node(q, None, "user", f"My address is anna{number}@mail.test-firm.de. Question {number}?"),
                node(bad, q, "assistant", f"No idea {number}."),
                node(good, q, "assistant", f"Answer {number}, sent to anna{number}@mail.test-firm.de."),
                title=f"Chat {number}",
                number=number * 86400,
            )
        )
        if number % 2 == 0:
            feedback += [{"id": good, "rating": "thumbs_up"}, {"id": bad, "rating": "thumbs_down"}]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps(conversations))
        archive.writestr("message_feedback.json", json.dumps(feedback))
    return buffer.getvalue()
