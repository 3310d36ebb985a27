"""OpenAI's chat format, its completions, plain text, and the answers of OpenAI's batches."""

from typing import Any

from core.formats.format import Format
from core.formats.messages import messages_or_text, read_messages, text_of
from core.formats.problems import RowProblem
from core.formats.tools import with_tools
from storage.rows import Content, Kind

_TOOLS = {"tools", "functions", "parallel_tool_calls", "function_call"}


def _chat(row: Content) -> Content:
    if "messages" not in row:
        raise RowProblem("missing_messages", f"The row has {', '.join(row) or 'no keys'}, but no “messages”.")
    return with_tools({"messages": read_messages(row["messages"])}, row)


def _prompt_completion(row: Content) -> Content:
    require(row, "prompt", "completion")
    prompt = messages_or_text(row["prompt"], "user", "prompt")
    return with_tools({"messages": prompt + messages_or_text(row["completion"], "assistant", "completion")}, row)


def _text(row: Content) -> Content:
    require(row, "text")
    return {"text": text_of(row["text"], "“text”")}


def _batch(row: Content) -> Content:
    body = _at(row, "response", "body")
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise RowProblem("no_assistant", "The answer of this batch line is missing; it may have failed there.")
    request = _at(row, "request", "body") or row.get("request") or {}
    if not isinstance(request, dict) or not request.get("messages"):
        raise RowProblem(
            "missing_messages", "Only the answer is here. Add each line's request from the batch's input file."
        )
    return with_tools({"messages": read_messages([*request["messages"], choices[0].get("message")])}, request)


def require(row: Content, *columns: str) -> None:
    missing = [column for column in columns if row.get(column) is None]
    if missing:
        raise RowProblem("missing_columns", f"The row has no {' and no '.join(missing)}.")


def ends_with_question(row: Content) -> bool:
    """A prompt for reinforcement: its last message waits for an answer."""
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") not in ("assistant", None)


def _at(row: Any, *path: str) -> Any:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row


CHAT = Format(
    "chat",
    "OpenAI chat",
    Kind.SUPERVISED,
    "A conversation a row. Every answer of the assistant is learned, unless its weight is 0.",
    {
        "messages": [
            {"role": "system", "content": "You answer in one sentence."},
            {"role": "user", "content": "Where is my order?"},
            {"role": "assistant", "content": "It left our warehouse this morning."},
        ]
    },
    lambda row: "messages" in row,
    _chat,
    frozenset({"messages"} | _TOOLS),
)

PROMPT_COMPLETION = Format(
    "prompt-completion",
    "Prompt and completion",
    Kind.SUPERVISED,
    "A question and its answer: two texts, or two lists of messages (TRL).",
    {"prompt": "Where is my order?", "completion": "It left our warehouse this morning."},
    lambda row: "prompt" in row and "completion" in row,
    _prompt_completion,
    frozenset({"prompt", "completion"} | _TOOLS),
)

TEXT = Format(
    "text",
    "Plain text",
    Kind.TEXT,
    "A text a row, learned from its first word to its last: for continued pre-training.",
    {"text": "The warehouse packs orders until noon."},
    lambda row: isinstance(row.get("text"), str),
    _text,
    frozenset({"text"}),
)

BATCH = Format(
    "batch-output",
    "OpenAI batch output",
    Kind.SUPERVISED,
    "The answers of a batch together with their requests: for teaching a small model what a large one answers.",
    {
        "custom_id": "1",
        "request": {"messages": [{"role": "user", "content": "Where is my order?"}]},
        "response": {"body": {"choices": [{"message": {"role": "assistant", "content": "On its way."}}]}},
    },
    lambda row: "custom_id" in row and "response" in row,
    _batch,
    frozenset({"custom_id", "request", "response", "id", "error"}),
)
