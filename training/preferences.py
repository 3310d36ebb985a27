"""Rows for the objectives beside supervised fine-tuning: pairs, labelled answers, and prompts to be answered."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from storage.rows import Rows
from storage.spec import DatasetRef, ModelRef
from training.conversations import Conversation
from training.data import Example, examples_of, read_tokens
from training.telling import refuse_empty, tell_cut
from training.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Preference:
    """The same prompt with the better and with the worse answer."""

    chosen: Example
    rejected: Example

    @property
    def row_id(self) -> bytes:
        return self.chosen.row_id

    @property
    def input_ids(self) -> np.ndarray:
        """Both answers: a pair is another's copy only where both are the same."""
        return np.concatenate([self.chosen.input_ids, self.rejected.input_ids])

    @property
    def conversation(self) -> Conversation:
        return self.chosen.conversation


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer that is wanted, or not."""

    example: Example
    wanted: bool


def load_preferences(
    dataset: DatasetRef, model: ModelRef, tokenizer: PreTrainedTokenizerBase, max_tokens: int, bench: Workbench
) -> list[Preference]:
    """Pairs of which both answers fit, at least in part."""
    tokens = read_tokens(dataset, model, tokenizer, bench)
    sides = [examples_of(tokens, dataset, max_tokens, part) for part in (0, 1)]
    lines = [example.line for example in sides[0]]
    tell_cut(np.maximum(tokens.lengths(0), tokens.lengths(1)), lines, max_tokens, bench)
    pairs = [Preference(chosen, rejected) for chosen, rejected in zip(*sides, strict=True)]
    empty = [pair.chosen.line for pair in pairs if not fits(pair)]
    refuse_empty(dataset, empty, len(pairs), max_tokens, bench)
    return [pair for pair in pairs if fits(pair)]


def fits(pair: Preference) -> bool:
    return pair.chosen.has_loss and pair.rejected.has_loss


def load_labelled(
    dataset: DatasetRef, model: ModelRef, tokenizer: PreTrainedTokenizerBase, max_tokens: int, bench: Workbench
) -> list[Labelled]:
    tokens = read_tokens(dataset, model, tokenizer, bench)
    found = examples_of(tokens, dataset, max_tokens)
    tell_cut(tokens.lengths(), [example.line for example in found], max_tokens, bench)
    empty = [example.line for example in found if not example.has_loss]
    refuse_empty(dataset, empty, len(found), max_tokens, bench)
    wanted = [row.content.get("label") is True for row in Rows(Path(dataset.path).parent)]
    return [Labelled(example, wanted[example.number]) for example in found if example.has_loss]


def load_prompts(
    dataset: DatasetRef, model: ModelRef, tokenizer: PreTrainedTokenizerBase, max_tokens: int, bench: Workbench
) -> list[Example]:
    """A prompt that fills the context leaves no room for an answer and is left out."""
    tokens = read_tokens(dataset, model, tokenizer, bench)
    found = examples_of(tokens, dataset, max_tokens)
    fitting = tokens.lengths() < max_tokens
    too_long = [example.line for example in found if not fitting[example.number]]
    refuse_empty(dataset, too_long, len(found), max_tokens, bench)
    return [example for example in found if fitting[example.number]]
