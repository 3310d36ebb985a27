"""Alpaca: an instruction, perhaps an input to it, and the output; with a preference, two outputs."""

from core.formats.chat import require
from core.formats.format import Format
from core.formats.messages import text_message, text_of
from core.formats.problems import RowProblem
from storage.rows import Content, Kind, Message

_COMMON = {"instruction", "input", "system", "history"}


def _alpaca(row: Content) -> Content:
    require(row, "instruction", "output")
    return {"messages": [*_prompt(row), text_message("assistant", row["output"], "output")]}


def _preference(row: Content) -> Content:
    require(row, "instruction", "chosen", "rejected")
    chosen, rejected = (text_message("assistant", row[side], side) for side in ("chosen", "rejected"))
    return {"prompt": _prompt(row), "chosen": [chosen], "rejected": [rejected]}


def _prompt(row: Content) -> list[Message]:
    messages = [text_message("system", row["system"], "system")] if row.get("system") else []
    for turn in row.get("history") or ():
        if not isinstance(turn, list) or len(turn) != 2:
            raise RowProblem("bad_message", "“history” is not a list of [question, answer].")
        messages += [
            text_message(role, text, "history") for role, text in zip(("user", "assistant"), turn, strict=True)
        ]
    parts = [text_of(row[key], f"“{key}”") for key in ("instruction", "input") if row.get(key)]
    return [*messages, {"role": "user", "content": "\n\n".join(parts)}]


ALPACA = Format(
    "alpaca",
    "Alpaca",
    Kind.SUPERVISED,
    "An instruction, optionally an input, and the output. The input follows the instruction after an empty line.",
    {"instruction": "Translate to French.", "input": "Good morning", "output": "Bonjour"},
    lambda row: "instruction" in row and "output" in row,
    _alpaca,
    frozenset({"output"} | _COMMON),
)

ALPACA_PREFERENCE = Format(
    "alpaca-preference",
    "Alpaca preference",
    Kind.PREFERENCE,
    "An instruction with a chosen and a rejected output.",
    {"instruction": "Greet a customer.", "input": "", "chosen": "Good morning!", "rejected": "What?"},
    lambda row: "instruction" in row and "chosen" in row and "rejected" in row,
    _preference,
    frozenset({"chosen", "rejected"} | _COMMON),
)
