"""What was found in a version, a page at a time: the first look's findings and the closer one's, by row."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.formats.problems import Finding, Level

#: Written by the closer look, beside the first one's.
DEEP_FINDINGS = "deep-findings.jsonl"


@dataclass(frozen=True, slots=True)
class FindingPage:
    findings: tuple[Finding, ...]
    total: int


def all_findings(version: Path) -> Iterator[Finding]:
    return heapq.merge(read_findings(version), read_findings(version / DEEP_FINDINGS), key=lambda found: found.row)


def findings_of(version: Path, rows: range) -> dict[int, list[Finding]]:
    """The findings of some rows that follow each other: for a page of them."""
    found: dict[int, list[Finding]] = {}
    for finding in all_findings(version):
        if finding.row >= rows.stop:
            break
        if finding.row in rows:
            found.setdefault(finding.row, []).append(finding)
    return found


def finding_page(
    version: Path, *, level: Level | None = None, code: str = "", start: int = 0, count: int = 50
) -> FindingPage:
    """Findings `start` to `start + count` of those asked for, and how many there are in all."""
    shown: list[Finding] = []
    total = 0
    for finding in all_findings(version):
        if (code and finding.code != code) or (level and level_of(finding.code) is not level):
            continue
        if start <= total < start + count:
            shown.append(finding)
        total += 1
    return FindingPage(tuple(shown), total)


def level_of(code: str) -> Level:
    """A code that this version does not know is a warning: it came from a newer closer look."""
    return CODES[code].level if code in CODES else Level.WARNING
