"""Which rows go through the model together. Pure arithmetic, no torch.

A batch is a number of tokens per optimizer step; a row is never split. A step's rows are cut into `k`
micro-batches of similar length, because padding is work for nothing. `k` is the same for every step: the Trainer
wants it so. Several processes share a step: `k` is then a multiple of their number, and each takes every so-many-eth
micro-batch, which gives them rows of similar length.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from training.ranks import ALONE, Rank


class TokenBatches:
    """A batch sampler: every row once an epoch, `micro_batches_per_step` lists of row indexes for each step, of which
    this process yields its share.

    `micro_batch_tokens` bounds the padded tokens of a forward pass. It gives way to a longer row, which cannot be
    split; and a little in later epochs, which are shuffled differently from the first that was measured.

    `widths`: what each row takes in a pass, where that is not its length: the answers of a pair are padded alike.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        tokens_per_step: float,
        micro_batch_tokens: int,
        seed: int,
        rank: Rank = ALONE,
        widths: Sequence[int] | None = None,
    ) -> None:
        """Needs as many rows as there are processes."""
        self._rank = rank
        self._lengths = lengths
        self._widths = lengths if widths is None else widths
        self._capacity = max(micro_batch_tokens, *self._widths)
        self._seed = seed
        self._epoch = 0
        self.steps_per_epoch = min(max(1, round(sum(lengths) / tokens_per_step)), len(lengths) // rank.size)
        self.micro_batches_per_step = self._fewest_micro_batches()

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    @property
    def passes_per_step(self) -> int:
        """Micro-batches of each process."""
        return self.micro_batches_per_step // self._rank.size

    def __len__(self) -> int:
        return self.steps_per_epoch * self.passes_per_step

    def __iter__(self) -> Iterator[list[int]]:
        return self.passes(self._epoch)

    def passes(self, epoch: int) -> Iterator[list[int]]:
        """This process's passes of an epoch, in their order."""
        k = self.micro_batches_per_step
        for rows in self.steps(epoch, fewest_rows=k):
            yield from split(rows, self._widths, k)[self._rank.number :: self._rank.size]

    @property
    def widths(self) -> Sequence[int]:
        """What each row takes in a pass."""
        return self._widths

    def steps(self, epoch: int, fewest_rows: int) -> Iterator[list[int]]:
        """The epoch's shuffled rows, dealt out so that every step gets its share of the tokens."""
        rows = list(range(len(self._lengths)))
        random.Random(f"{self._seed}-{epoch}").shuffle(rows)
        tokens_until = list(accumulate(self._lengths[row] for row in rows))
        start = 0
        for step in range(1, self.steps_per_epoch + 1):
            wanted = bisect_left(tokens_until, tokens_until[-1] * step / self.steps_per_epoch) + 1
            left_for_others = len(rows) - fewest_rows * (self.steps_per_epoch - step)
            end = min(max(wanted, start + fewest_rows), left_for_others)
            yield rows[start:end]
            start = end

    def _fewest_micro_batches(self) -> int:
        """The smallest `k` with which the first epoch keeps to the capacity, if there are rows enough for it."""
        size = self._rank.size
        most = len(self._lengths) // self.steps_per_epoch // size * size
        first = math.ceil(sum(self._widths) / self.steps_per_epoch / self._capacity / size) * size
        return next((k for k in range(min(first, most), most, size) if self._fits(k)), most)

    def _fits(self, k: int) -> bool:
        return all(
            padded_tokens(batch, self._widths) <= self._capacity
            for rows in self.steps(0, fewest_rows=k)
            for batch in split(rows, self._widths, k)
        )


def split(rows: Sequence[int], lengths: Sequence[int], k: int) -> list[list[int]]:
    """Exactly `k` non-empty batches of rows of similar length, the largest as small as can be.

    Longest rows first: if memory is too small for the batch, that shows in the first seconds.
    """
    low, high = max(lengths[row] for row in rows), len(rows) * max(lengths[row] for row in rows)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(fill(rows, lengths, middle)) <= k else (middle + 1, high)
    batches = fill(rows, lengths, low)
    while len(batches) < k:
        most = max(range(len(batches)), key=lambda index: len(batches[index]))
        half = len(batches[most]) // 2
        batches[most : most + 1] = [batches[most][:half], batches[most][half:]]
    return batches


def fill(rows: Sequence[int], lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Batches of at most `capacity` padded tokens, the longest rows first; one row alone may exceed it."""
    ordered = sorted(rows, key=lambda row: -lengths[row])
    batches = []
    while ordered:
        count = max(1, capacity // lengths[ordered[0]])
        batches.append(ordered[:count])
        ordered = ordered[count:]
    return batches


def padded_tokens(batch: Sequence[int], lengths: Sequence[int]) -> int:
    return len(batch) * max(lengths[row] for row in batch)
