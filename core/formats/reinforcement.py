"""Prompts with what a grader needs to know about each: OpenAI's form for reinforcement fine-tuning."""

from core.formats.chat import ends_with_question
from core.formats.format import Format
from core.formats.messages import read_messages
from core.formats.problems import RowProblem
from core.formats.tools import with_tools
from storage.rows import Content, Kind

_RESERVED = frozenset({"messages", "tools", "functions", "parallel_tool_calls"})


def _reinforcement(row: Content) -> Content:
    if "messages" not in row:
        raise RowProblem("missing_messages", "The row has no “messages”.")
    columns = {key: value for key, value in row.items() if key not in _RESERVED}
    # Our own export already has them together.
    item = columns["item"] if list(columns) == ["item"] and isinstance(columns["item"], dict) else columns
    return with_tools({"messages": read_messages(row["messages"]), "item": item}, row)


REINFORCEMENT = Format(
    "reinforcement",
    "Reinforcement (messages and item columns)",
    Kind.REINFORCEMENT,
    "A prompt that ends with the user, and any other columns: graders read them as item.NAME.",
    {"messages": [{"role": "user", "content": "What is 6 × 7?"}], "answer": "42"},
    lambda row: ends_with_question(row) and any(key not in _RESERVED for key in row),
    _reinforcement,
    _RESERVED,
)
