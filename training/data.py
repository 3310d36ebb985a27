"""The dataset's rows as examples: tokens, with a loss on what the assistant says and on nothing else."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from storage.events import Log, Phase
from storage.rows import Rows
from storage.spec import DatasetRef, ModelRef
from storage.token_folder import CACHE
from training.conversations import Conversation, conversations_of
from training.telling import refuse_empty, refuse_unusable, tell_cut, tell_notes
from training.token_cache import Tokens, lines_of, tokens_of
from training.workbench import Workbench

#: What torch's cross entropy ignores.
MASKED = -100


@dataclass(frozen=True, slots=True)
class Example:
    """A row's tokens, cut to the context; `learned` marks those that the loss counts. `line` counts from 1.

    Both arrays are views into the token cache: what nobody looks at takes no memory.
    """

    dataset: DatasetRef
    number: int
    line: int
    row_id: bytes
    input_ids: np.ndarray
    learned: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The tokens to learn, the others masked."""
        return np.where(self.learned, self.input_ids, MASKED).astype(np.int32)

    @property
    def has_loss(self) -> bool:
        # The first token is never predicted.
        return bool(self.learned[1:].any())

    @property
    def conversation(self) -> Conversation:
        """The row itself, read again from the file."""
        row = next(Rows(Path(self.dataset.path).parent).at([self.number]))
        return conversations_of(row, self.dataset.kind)[0]


def load_examples(
    dataset: DatasetRef, model: ModelRef, tokenizer: PreTrainedTokenizerBase, max_tokens: int, bench: Workbench
) -> list[Example]:
    """Every row that has something to learn from within `max_tokens`."""
    tokens = read_tokens(dataset, model, tokenizer, bench)
    found = examples_of(tokens, dataset, max_tokens)
    tell_cut(tokens.lengths(), [example.line for example in found], max_tokens, bench)
    empty = [example.line for example in found if not example.has_loss]
    refuse_empty(dataset, empty, len(found), max_tokens, bench)
    return [example for example in found if example.has_loss]


def read_tokens(dataset: DatasetRef, model: ModelRef, tokenizer: PreTrainedTokenizerBase, bench: Workbench) -> Tokens:
    """From the cache, or made now and kept there. Raises BadDataset where a row cannot become tokens."""

    def tell(done: int, total: int) -> None:
        bench.progress(Phase(name="tokenising", detail=dataset.name, done=done, total=total))

    cache = bench.run.path.parents[1] / CACHE
    if not bench.rank.is_first:
        bench.group.wait()  # for the first process, which makes them for all
    tokens, was_there = tokens_of(dataset, model, cache, lambda: tokenizer, tell)
    if bench.rank.is_first:
        bench.group.wait()
    if was_there:
        bench.emit(Log(message=f"{dataset.name} was tokenised before: {tokens.about.tokens:,} tokens from the cache."))
    lines = lines_of(dataset)
    refuse_unusable(tokens.refused(), lines)
    tell_notes(tokens.notes(), lines, bench)
    return tokens


def examples_of(tokens: Tokens, dataset: DatasetRef, max_tokens: int, part: int = 0) -> list[Example]:
    lines, ids = lines_of(dataset), tokens.row_ids()
    return [
        Example(
            dataset,
            number,
            int(lines[number]),
            ids[number],
            tokens.input_ids[(place := tokens.sequence(number, part))][:max_tokens],
            tokens.learned[place][:max_tokens],
        )
        for number in range(len(tokens))
    ]
