"""Two answers to one question, the better one named: OpenAI's form, TRL's, and TRL's without an explicit prompt."""

from collections.abc import Sequence

from core.formats.chat import require
from core.formats.format import Format
from core.formats.messages import messages_or_text, read_messages
from core.formats.problems import RowProblem
from core.formats.sharegpt import read_label
from core.formats.tools import with_tools
from storage.rows import Content, Kind

#: OpenAI's names today and before.
_OPENAI = (("preferred_output", "non_preferred_output"), ("preferred_completion", "non_preferred_completion"))


def _openai(row: Content) -> Content:
    given = row.get("input")
    if not isinstance(given, dict):
        raise RowProblem("missing_columns", "The row has no “input” object with the messages.")
    names = next((pair for pair in _OPENAI if pair[0] in row), _OPENAI[0])
    require(row, *names)
    chosen, rejected = (messages_or_text(row[name], "assistant", name) for name in names)
    prompt = read_messages(given.get("messages"), "input.messages")
    return with_tools({"prompt": prompt, "chosen": chosen, "rejected": rejected}, given)


def _trl(row: Content) -> Content:
    require(row, "chosen", "rejected")
    if row.get("prompt") is None:
        return with_tools(_implicit(row["chosen"], row["rejected"]), row)
    prompt = messages_or_text(row["prompt"], "user", "prompt")
    chosen, rejected = (messages_or_text(row[side], "assistant", side) for side in ("chosen", "rejected"))
    # Many TRL datasets repeat the prompt inside both answers.
    shared = len(prompt) if chosen[: len(prompt)] == prompt == rejected[: len(prompt)] else 0
    return with_tools({"prompt": prompt, "chosen": chosen[shared:], "rejected": rejected[shared:]}, row)


def _implicit(chosen: object, rejected: object) -> Content:
    """What both sides begin with is the prompt."""
    if isinstance(chosen, str) and isinstance(rejected, str):
        shared = chosen[: _shared_length(chosen, rejected)]
        # As TRL: a space belongs to the answer, and a word is not cut in two.
        shared = shared[: shared.rfind(" ")] if " " in shared else ""
        if not shared.strip():
            raise RowProblem("missing_columns", "There is no prompt, and both answers begin differently.")
        sides = [[{"role": "assistant", "content": text[len(shared) :]}] for text in (chosen, rejected)]
        return {"prompt": [{"role": "user", "content": shared}], "chosen": sides[0], "rejected": sides[1]}
    first, second = read_messages(chosen, "chosen"), read_messages(rejected, "rejected")
    length = _shared_length(first[:-1], second[:-1])
    if not length:
        raise RowProblem("missing_columns", "There is no prompt, and both conversations begin differently.")
    return {"prompt": first[:length], "chosen": first[length:], "rejected": second[length:]}


def _shared_length(first: Sequence[object], second: Sequence[object]) -> int:
    return next(
        (index for index, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]),
        min(len(first), len(second)),
    )


def _unpaired(row: Content) -> Content:
    require(row, "prompt", "completion", "label")
    content = {
        "prompt": messages_or_text(row["prompt"], "user", "prompt"),
        "completion": messages_or_text(row["completion"], "assistant", "completion"),
        "label": read_label(row, "label"),
    }
    return with_tools(content, row)


OPENAI_PREFERENCE = Format(
    "openai-preference",
    "OpenAI preference",
    Kind.PREFERENCE,
    "The question under input, and the answer that was preferred beside the one that was not.",
    {
        "input": {"messages": [{"role": "user", "content": "Good morning"}]},
        "preferred_output": [{"role": "assistant", "content": "Good morning!"}],
        "non_preferred_output": [{"role": "assistant", "content": "What?"}],
    },
    lambda row: any(name in row for pair in _OPENAI for name in pair),
    _openai,
    frozenset({"input"}.union(*_OPENAI)),
)

PREFERENCE = Format(
    "preference",
    "TRL preference",
    Kind.PREFERENCE,
    "prompt, chosen and rejected: texts or lists of messages. Without a prompt, what both sides begin with is it.",
    {"prompt": "Good morning", "chosen": "Good morning!", "rejected": "What?"},
    lambda row: "chosen" in row and "rejected" in row,
    _trl,
    frozenset({"prompt", "chosen", "rejected", "tools"}),
)

UNPAIRED = Format(
    "unpaired",
    "TRL unpaired preference (KTO)",
    Kind.UNPAIRED,
    "prompt, completion, and a label: true where the answer was wanted, false where it was not.",
    {"prompt": "Good morning", "completion": "What?", "label": False},
    lambda row: "prompt" in row and "completion" in row and "label" in row,
    _unpaired,
    frozenset({"prompt", "completion", "label", "tools"}),
)
