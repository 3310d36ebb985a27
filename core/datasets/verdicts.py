"""What was found in a version, a page at a time: the first look's findings and the closer one's, by row.

Lines are compared as they stand and parsed only when they are shown: there may be millions.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from core.checks.codes import CODES
from core.checks.deep_report import DEEP_FINDINGS
from core.checks.findings import FINDINGS
from core.formats.problems import Finding, Level

_ROW = b'{"row":'


@dataclass(frozen=True, slots=True)
class FindingPage:
    findings: tuple[Finding, ...]
    total: int


def finding_page(
    version: Path, *, level: Level | None = None, code: str = "", start: int = 0, count: int = 50
) -> FindingPage:
    """Findings `start` to `start + count` of those asked for, and how many there are in all."""
    is_asked_for = _filter(level, code)
    shown: list[Finding] = []
    total = 0
    for line in heapq.merge(*(_lines(version / name) for name in (FINDINGS, DEEP_FINDINGS)), key=_row):
        if is_asked_for(line):
            if start <= total < start + count:
                shown.append(Finding(**orjson.loads(line)))
            total += 1
    return FindingPage(tuple(shown), total)


def findings_of(version: Path, rows: range) -> dict[int, list[Finding]]:
    """The findings of some rows that follow each other: for a page of them, wherever it is."""
    found: dict[int, list[Finding]] = {}
    for name in (FINDINGS, DEEP_FINDINGS):
        for line in _lines(version / name, rows.start):
            if _row(line) >= rows.stop:
                break
            found.setdefault(_row(line), []).append(Finding(**orjson.loads(line)))
    return found


def level_of(code: str) -> Level:
    """A code that this version does not know is a warning: it came from a newer closer look."""
    return CODES[code].level if code in CODES else Level.WARNING


def _filter(level: Level | None, code: str) -> Callable[[bytes], bool]:
    if not code and level is None:
        return lambda _: True
    codes = [code] if code else [known for known in CODES if CODES[known].level is level]
    if code and level is not None and level_of(code) is not level:
        return lambda _: False
    # Quotes inside a detail are escaped, so this stands in a line for its code only.
    marks = frozenset(f'"code":"{known}",'.encode() for known in codes)
    return lambda line: _code(line) in marks


def _code(line: bytes) -> bytes:
    start = line.index(b'"code":"')
    return line[start : line.index(b",", start) + 1]


def _row(line: bytes) -> int:
    return int(line[len(_ROW) : line.index(b",")])


def _lines(path: Path, first_row: int = 0) -> Iterator[bytes]:
    """The lines from this row on; none where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        if first_row:
            file.seek(_offset(file, first_row))
        yield from file


def _offset(file: BinaryIO, row: int) -> int:
    """Where the first finding of this row or a later one begins: by halves, as the lines are sorted by row."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        file.seek(middle)
        if middle:
            file.readline()
        line = file.readline()
        if line and _row(line) < row:
            low = file.tell()
        else:
            high = middle
    # The line at `low` itself was perhaps never looked at.
    file.seek(low)
    while (line := file.readline()) and _row(line) < row:
        low = file.tell()
    return low
