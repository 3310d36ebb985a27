"""Texts that are almost the same: MinHash over runs of eight characters, then the exact likeness of what collides.

Written with numpy instead of datasketch: on the same texts it is faster, needs no scipy, and keeps 128 bytes a text
(`docs/measurements.md`). Only the child process that looks closer imports it.
"""

from collections.abc import Iterator

import numpy as np

RUN_CHARACTERS = 8
BANDS, ROWS_A_BAND = 16, 6
#: With 16 bands of 6, of two texts that share 85 % of their runs 99.9 % collide; of two that share 40 %, 6 %.
ALIKE = 0.8
#: Of a longer text the beginning is compared.
MOST_CHARACTERS = 40_000
#: Runs that go through the permutations at once: these numbers times 96 fit into a core's cache.
CHUNK = 1024

_PRIME = np.uint64(0x100000001B3)
_random = np.random.default_rng(20261122)
_MULTIPLIERS = _random.integers(1, 2**63, BANDS * ROWS_A_BAND, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_BAND_MULTIPLIERS = _random.integers(1, 2**63, ROWS_A_BAND, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def normal(text: str) -> str:
    """What is compared: case and white space do not make a difference."""
    return " ".join(text[:MOST_CHARACTERS].casefold().split())


def runs(text: str) -> np.ndarray:
    """The distinct runs of a normal text, hashed; at least one."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < RUN_CHARACTERS:
        codes = np.concatenate((codes, np.zeros(RUN_CHARACTERS - len(codes), dtype=np.uint64)))
    count = len(codes) - RUN_CHARACTERS + 1
    hashed = np.zeros(count, dtype=np.uint64)
    for place in range(RUN_CHARACTERS):
        hashed = hashed * _PRIME + codes[place : place + count] + np.uint64(1)
    # Mixed, as the permutations below keep the order of what differs in high bits only.
    hashed ^= hashed >> np.uint64(31)
    hashed *= np.uint64(0x9E3779B97F4A7C15)
    hashed ^= hashed >> np.uint64(29)
    return np.unique(hashed)


def bands(runs_of_text: np.ndarray) -> np.ndarray:
    """16 numbers. Texts that share one are candidates; the more they have in common, the likelier."""
    least = np.full(len(_MULTIPLIERS), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(runs_of_text), CHUNK):
        permuted = runs_of_text[start : start + CHUNK, None] * _MULTIPLIERS
        np.minimum(least, permuted.min(axis=0), out=least)
    grouped = least.reshape(BANDS, ROWS_A_BAND) * _BAND_MULTIPLIERS
    joined: np.ndarray = np.bitwise_xor.reduce(grouped, axis=1)
    return joined


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard's: the runs that both have, of all that either has."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def candidates(banded: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first, later) for texts that share a band. A band's texts are compared with its first one only, so that a
    thousand alike cost a thousand comparisons; a pair that no band leads to another way is missed."""
    seen: set[tuple[int, int]] = set()
    for band in range(banded.shape[1]):
        column = banded[:, band]
        order = np.argsort(column, kind="stable")
        same = column[order][1:] == column[order][:-1]
        first = -1
        for place in np.flatnonzero(same):
            if place == 0 or not same[place - 1]:
                first = int(order[place])
            pair = (first, int(order[place + 1]))
            if pair not in seen:
                seen.add(pair)
                yield pair
