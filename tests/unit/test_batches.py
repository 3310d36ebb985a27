"""The batch sampler: every row once, steps of equal tokens, and little padding."""

import random
from collections import Counter

import pytest

from training.batches import TokenBatches, fill, padded_tokens, split
from training.ranks import Rank

SEEDS = range(8)


def some_lengths(seed: int, rows: int = 200) -> list[int]:
    """Lengths as chats have them: mostly short, a few long."""
    chance = random.Random(seed)
    return [int(chance.lognormvariate(4.5, 0.6)) + 8 for _ in range(rows)]


def batches_for(lengths: list[int], seed: int = 0, tokens_per_step: int = 2000) -> TokenBatches:
    return TokenBatches(lengths, tokens_per_step=tokens_per_step, micro_batch_tokens=700, seed=seed)


def steps_of(batches: TokenBatches) -> list[list[list[int]]]:
    micro, k = list(batches), batches.micro_batches_per_step
    return [micro[start : start + k] for start in range(0, len(micro), k)]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_comes_exactly_once_in_every_epoch(seed: int) -> None:
    lengths = some_lengths(seed)
    batches = batches_for(lengths, seed)
    for epoch in range(3):
        batches.set_epoch(epoch)
        assert Counter(row for batch in batches for row in batch) == Counter(range(len(lengths)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_has_the_same_number_of_full_micro_batches(seed: int) -> None:
    batches = batches_for(some_lengths(seed), seed)
    for epoch in range(3):
        batches.set_epoch(epoch)
        micro = list(batches)
        assert len(micro) == len(batches) == batches.steps_per_epoch * batches.micro_batches_per_step
        assert all(micro)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_holds_about_the_tokens_that_were_asked_for(seed: int) -> None:
    lengths = some_lengths(seed)
    for step in steps_of(batches_for(lengths, seed)):
        tokens = sum(lengths[row] for batch in step for row in batch)
        assert abs(tokens - 2000) <= 2 * max(lengths)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_epoch_keeps_to_the_memory_that_was_given(seed: int) -> None:
    lengths = some_lengths(seed)
    assert all(padded_tokens(batch, lengths) <= 700 for batch in batches_for(lengths, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_less_is_padded_than_in_random_batches(seed: int) -> None:
    lengths = some_lengths(seed)
    micro = list(batches_for(lengths, seed))
    shuffled = random.Random(seed).sample(range(len(lengths)), len(lengths))
    size = -(-len(lengths) // len(micro))
    at_random = [shuffled[start : start + size] for start in range(0, len(shuffled), size)]

    def waste(batches: list[list[int]]) -> float:
        return sum(padded_tokens(batch, lengths) for batch in batches) / sum(lengths) - 1

    assert waste(micro) < 0.5 * waste(at_random)


def test_the_same_seed_and_epoch_give_the_same_batches_in_any_process() -> None:
    lengths = some_lengths(0)
    here, there = batches_for(lengths), batches_for(lengths)
    list(here)
    here.set_epoch(3)
    there.set_epoch(3)
    assert list(here) == list(there)


def test_epochs_and_seeds_shuffle_differently() -> None:
    lengths = some_lengths(0)
    batches, other = batches_for(lengths), batches_for(lengths, seed=1)
    first = list(batches)
    batches.set_epoch(1)
    assert first != list(batches)
    assert first != list(other)


def test_a_row_longer_than_a_step_is_not_split_and_loses_nobody() -> None:
    lengths = [50, 9000, 60, 40, 5000, 30]
    batches = TokenBatches(lengths, tokens_per_step=1000, micro_batch_tokens=500, seed=0)
    assert batches.steps_per_epoch == len(lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(6))


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_a_handful_of_rows_is_one_step(rows: int) -> None:
    batches = TokenBatches([100] * rows, tokens_per_step=65536, micro_batch_tokens=250, seed=0)
    assert batches.steps_per_epoch == 1
    assert batches.micro_batches_per_step == -(-rows // 2)
    assert sorted(row for batch in batches for row in batch) == list(range(rows))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_several_processes_share_every_step_and_no_row_twice(seed: int, size: int) -> None:
    lengths = some_lengths(seed)
    asked = {"tokens_per_step": 2000, "micro_batch_tokens": 700, "seed": seed}
    shares = [TokenBatches(lengths, **asked, rank=Rank(number, size)) for number in range(size)]
    assert {share.steps_per_epoch for share in shares} == {batches_for(lengths, seed).steps_per_epoch}
    for epoch in range(3):
        for share in shares:
            share.set_epoch(epoch)
        dealt = [list(share) for share in shares]
        assert all(len(batches) == len(share) for batches, share in zip(dealt, shares, strict=True))
        assert Counter(row for batches in dealt for batch in batches for row in batch) == Counter(range(len(lengths)))
        # Step by step the same rows as one process would take, each process with as many passes.
        passes = shares[0].passes_per_step
        for step, rows in enumerate(shares[0].steps(epoch, fewest_rows=shares[0].micro_batches_per_step)):
            of_step = [batch for batches in dealt for batch in batches[step * passes : (step + 1) * passes]]
            assert sorted(row for batch in of_step for row in batch) == sorted(rows)


def test_a_step_has_at_least_a_row_for_each_process() -> None:
    shares = [
        TokenBatches([50] * 7, tokens_per_step=64, micro_batch_tokens=64, seed=0, rank=Rank(n, 3)) for n in (0, 1, 2)
    ]
    assert [len(share) for share in shares] == [2, 2, 2]
    assert sorted(row for share in shares for batch in share for row in batch) == list(range(7))


def test_split_makes_exactly_k_batches_even_where_fewer_would_do() -> None:
    lengths = [10] * 8
    assert [len(batch) for batch in split(range(8), lengths, 4)] == [2, 2, 2, 2]
    assert [len(batch) for batch in split(range(8), lengths, 8)] == [1] * 8
    assert len(split(range(8), lengths, 5)) == 5


def test_fill_puts_the_longest_first_and_lets_a_giant_stand_alone() -> None:
    assert fill([0, 1, 2, 3], [10, 500, 20, 10], 40) == [[1], [2, 0], [3]]


def test_pairs_are_counted_by_their_tokens_and_padded_by_the_longer_answer() -> None:
    """A long answer beside a short one takes twice the long one's room in a pass."""
    pairs = [(90, 10), (20, 80), (50, 50), (30, 40)] * 10
    lengths, widths = [a + b for a, b in pairs], [2 * max(pair) for pair in pairs]
    batches = TokenBatches(lengths, tokens_per_step=925, micro_batch_tokens=400, seed=0, widths=widths)
    assert batches.steps_per_epoch == round(sum(lengths) / 925)
    assert all(padded_tokens(batch, widths) <= 400 for batch in batches)
    assert Counter(row for batch in batches for row in batch) == Counter(range(len(pairs)))
