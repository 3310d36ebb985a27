"""Findings by page and by row, however many there are."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.checks.deep_report import DEEP_FINDINGS
from core.checks.findings import FINDINGS, encode_finding
from core.datasets.verdicts import finding_page, findings_of
from core.formats.problems import Finding, Level

DETAIL = 'It says "code":"not_json", twice.'


def write(folder: Path, rows: list[int], name: str = FINDINGS) -> list[Finding]:
    found = [Finding(row, row + 1, ("not_json", "duplicate")[row % 2], DETAIL) for row in sorted(rows)]
    (folder / name).write_bytes(b"".join(map(encode_finding, found)))
    return found


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.integers(0, 200), max_size=40),
    deep=st.lists(st.integers(0, 200), max_size=10),
    start=st.integers(0, 210),
    count=st.integers(0, 60),
)
def test_a_page_of_rows_gets_all_its_findings(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], deep: list[int], start: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("found")
    every = write(folder, rows) + write(folder, deep, DEEP_FINDINGS)
    page = range(start, start + count)
    found = findings_of(folder, page)
    wanted = [finding for finding in every if finding.row in page]
    assert sorted(found) == sorted({finding.row for finding in wanted})
    assert sum(map(len, found.values())) == len(wanted)


def test_findings_are_filtered_and_paged(tmp_path: Path) -> None:
    write(tmp_path, list(range(100)))
    write(tmp_path, [50, 51], DEEP_FINDINGS)
    assert finding_page(tmp_path).total == 102
    assert [found.row for found in finding_page(tmp_path, start=50, count=3).findings] == [50, 50, 51]
    errors = finding_page(tmp_path, level=Level.ERROR, start=49, count=9)
    assert (errors.total, [found.row for found in errors.findings]) == (51, [96, 98])
    assert finding_page(tmp_path, code="duplicate", level=Level.WARNING).total == 51
    assert finding_page(tmp_path, code="duplicate", level=Level.ERROR).total == 0
    assert finding_page(tmp_path / "nowhere").total == 0
