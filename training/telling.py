"""What the user is told about rows, by the lines of the file that they brought; and when a run is refused for them."""

from collections.abc import Sequence

import numpy as np

from storage.events import Warn
from storage.spec import DatasetRef
from storage.token_folder import LARGEST_EMPTY_SHARE
from training.failures import BadDataset
from training.token_cache import Verdict
from training.workbench import Workbench

LINES_SHOWN = 10
#: What is wrong with a row, where its own detail does not say it.
REASONS = {
    "no_assistant": "there is no assistant message, so nothing to learn",
    "missing_messages": "there is no list of messages",
    "template_drops_text": "the model's chat template drops or changes a part of an answer",
}
NOTES = {
    "template_ignores_tools": "with tools, which the model's chat template has no place for",
    "template_ignores_reasoning": "with reasoning, which the model's chat template leaves out",
}


def refuse_unusable(refused: Sequence[Verdict], lines: np.ndarray) -> None:
    """Raises BadDataset naming number, lines and the first reason."""
    if not refused:
        return
    numbers = [int(lines[verdict.row]) for verdict in refused]
    reason = sentence(refused[0].detail or REASONS.get(refused[0].code, refused[0].code.replace("_", " ")))
    advice = "Mend what has errors or drop it."
    if len(refused) == 1:
        raise BadDataset(f"Line {numbers[0]} cannot be trained on: {reason} {advice}")
    raise BadDataset(
        f"{len(refused):,} rows cannot be trained on: {named_lines(numbers)}. Line {numbers[0]}: {reason} {advice}"
    )


def tell_cut(lengths: np.ndarray, lines: Sequence[int], max_tokens: int, bench: Workbench) -> None:
    """`lengths` and `lines` are of the same rows."""
    cut = np.flatnonzero(lengths > max_tokens)
    if len(cut):
        lost = int((lengths[cut] - max_tokens).sum())
        where = named_lines([lines[row] for row in cut])
        bench.emit(
            Warn(
                message=f"{rows(len(cut))} cut to the max context length of {max_tokens} tokens: {where}. "
                f"{lost:,} of {int(lengths.sum()):,} tokens are left out."
            )
        )


def refuse_empty(dataset: DatasetRef, empty: Sequence[int], count: int, max_tokens: int, bench: Workbench) -> None:
    """A few rows without anything to learn are left out and told; many refuse the run. `empty` are their lines."""
    if not empty:
        return
    if len(empty) == count:
        raise BadDataset(
            f"No row of {dataset.name} has an answer within {max_tokens} tokens. Raise the max context length."
        )
    if len(empty) > count * LARGEST_EMPTY_SHARE:
        raise BadDataset(
            f"{len(empty):,} of {count:,} rows of {dataset.name} would train nothing, as no answer fits into "
            f"{max_tokens} tokens: {named_lines(empty)}. At most {LARGEST_EMPTY_SHARE:.0%} may. Raise the max context "
            "length or shorten the prompts."
        )
    bench.emit(Warn(message=f"{rows(len(empty))} left out, as no answer fits into it: {named_lines(empty)}."))


def tell_notes(notes: Sequence[Verdict], lines: np.ndarray, bench: Workbench) -> None:
    for code, what in NOTES.items():
        found = [int(lines[note.row]) for note in notes if note.code == code]
        if found:
            number = "1 row is" if len(found) == 1 else f"{len(found):,} rows are"
            bench.emit(Warn(message=f"{number} {what}: {named_lines(found)}."))


def rows(count: int) -> str:
    return "1 row was" if count == 1 else f"{count:,} rows were"


def named_lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:LINES_SHOWN]))
    more = f" and {len(numbers) - LINES_SHOWN:,} more" if len(numbers) > LINES_SHOWN else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


def sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
