"""ShareGPT: turns of `from` and `value`, also with a preference or a thumb."""

import json

from core.formats.chat import require
from core.formats.format import Format
from core.formats.messages import pair_calls, read_call, text_message, text_of
from core.formats.problems import RowProblem
from core.formats.tools import with_tools
from storage.rows import Content, Kind, Message

_ROLES = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
    "developer": "developer",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}
_COMMON = {"conversations", "system", "tools"}


def _sharegpt(row: Content) -> Content:
    return with_tools({"messages": _turns(row)}, row)


def _preference(row: Content) -> Content:
    require(row, "chosen", "rejected")
    sides = {side: [_turn(row[side], side)] for side in ("chosen", "rejected")}
    return with_tools({"prompt": _turns(row), **sides}, row)


def _unpaired(row: Content) -> Content:
    turns = _turns(row)
    if turns[-1]["role"] != "assistant" or len(turns) < 2:
        raise RowProblem("last_not_assistant", "The conversation does not end with the answer that was rated.")
    return with_tools({"prompt": turns[:-1], "completion": turns[-1:], "label": read_label(row, "kto_tag")}, row)


def read_label(row: Content, column: str) -> bool:
    label = row.get(column)
    if not isinstance(label, bool):
        raise RowProblem("label_not_boolean", f"“{column}” is {json.dumps(label)[:40]}, not true or false.")
    return label


def _turns(row: Content) -> list[Message]:
    turns = row.get("conversations")
    if not isinstance(turns, list):
        raise RowProblem("missing_messages", "“conversations” is missing or not a list.")
    if not turns:
        raise RowProblem("empty_messages", "“conversations” is an empty list.")
    messages = [_turn(turn, f"Turn {number}") for number, turn in enumerate(turns, start=1)]
    if row.get("system"):
        messages.insert(0, text_message("system", row["system"], "system"))
    pair_calls(messages)
    return messages


def _turn(turn: object, where: str) -> Message:
    if isinstance(turn, list) and len(turn) == 1:
        turn = turn[0]
    if not isinstance(turn, dict):
        raise RowProblem("bad_message", f"{where} is not an object with “from” and “value”.")
    speaker = turn.get("from", turn.get("role"))
    value = turn.get("value", turn.get("content"))
    if not isinstance(speaker, str) or value is None:
        raise RowProblem("bad_message", f"{where} has no “from” or no “value”.")
    if speaker == "function_call":
        return {"role": "assistant", "content": "", "tool_calls": _function_calls(value, where)}
    message: Message = {"role": _ROLES.get(speaker.lower(), speaker), "content": text_of(value, where)}
    return message | {"weight": turn["weight"]} if turn.get("weight") is not None else message


def _function_calls(value: object, where: str) -> list[Content]:
    try:
        calls = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise RowProblem(
            "tool_call_args_not_json", f"{where} calls a function with a text that is not JSON."
        ) from error
    return [read_call(call, where) for call in (calls if isinstance(calls, list) else [calls])]


SHAREGPT = Format(
    "sharegpt",
    "ShareGPT",
    Kind.SUPERVISED,
    "Turns of human and gpt; also system, function_call and observation, or the roles spelled as OpenAI does.",
    {"conversations": [{"from": "human", "value": "Good morning"}, {"from": "gpt", "value": "Good morning!"}]},
    lambda row: "conversations" in row,
    _sharegpt,
    frozenset(_COMMON),
)

SHAREGPT_PREFERENCE = Format(
    "sharegpt-preference",
    "ShareGPT preference",
    Kind.PREFERENCE,
    "The turns up to the question, and the chosen and the rejected answer as a turn each.",
    {
        "conversations": [{"from": "human", "value": "Good morning"}],
        "chosen": {"from": "gpt", "value": "Good morning!"},
        "rejected": {"from": "gpt", "value": "What?"},
    },
    lambda row: "conversations" in row and "chosen" in row and "rejected" in row,
    _preference,
    frozenset({"chosen", "rejected"} | _COMMON),
)

SHAREGPT_UNPAIRED = Format(
    "sharegpt-unpaired",
    "ShareGPT with thumbs",
    Kind.UNPAIRED,
    "Turns, and kto_tag: true where the last answer was wanted, false where it was not.",
    {
        "conversations": [{"from": "human", "value": "Good morning"}, {"from": "gpt", "value": "What?"}],
        "kto_tag": False,
    },
    lambda row: "conversations" in row and "kto_tag" in row,
    _unpaired,
    frozenset({"kto_tag"} | _COMMON),
)
