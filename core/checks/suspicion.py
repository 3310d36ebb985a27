"""How much a row deserves a look: a number to sort by, with no meaning of its own."""

import math
from collections.abc import Iterable

from core.checks.codes import CODES
from core.formats.problems import Level

ERROR, WARNING = 10.0, 2.0
#: Warnings that weigh more or less than others.
WEIGHTS = {
    "secret_suspected": 9.0,
    "leak_into_eval": 7.0,
    "pii_suspected": 5.0,
    "special_token": 5.0,
    "encoding_damage": 4.0,
    "near_duplicate": 3.0,
    "blank_line": 0.0,
}
#: Standard deviations of the length's logarithm beyond which a row is odd.
ODD = 3.0


def weight(code: str) -> float:
    if code in WEIGHTS:
        return WEIGHTS[code]
    known = CODES.get(code)
    return ERROR if known and known.level is Level.ERROR else WARNING


def scores(codes: Iterable[tuple[int, str]], lengths: dict[int, int]) -> list[tuple[int, float]]:
    """(row, score), the most suspicious first; rows without any suspicion are left out. `lengths` in characters."""
    found: dict[int, float] = {}
    for row, code in codes:
        found[row] = found.get(row, 0.0) + weight(code)
    for row, deviations in oddities(lengths):
        found[row] = found.get(row, 0.0) + min(deviations - ODD + 1.0, WARNING)
    return sorted(((row, score) for row, score in found.items() if score > 0), key=lambda pair: (-pair[1], pair[0]))


def oddities(lengths: dict[int, int]) -> Iterable[tuple[int, float]]:
    """Rows far longer or shorter than the others, with how many deviations they are away."""
    if len(lengths) < 10:
        return
    logs = {row: math.log1p(length) for row, length in lengths.items()}
    mean = sum(logs.values()) / len(logs)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in logs.values()) / len(logs))
    for row, value in logs.items():
        if deviation > 0 and abs(value - mean) > ODD * deviation:
            yield row, abs(value - mean) / deviation
