"""A version's verdict on a terminal: what it holds, what was found, and how to mend it."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import rich.table

from cli.output import console, say_json
from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.checks.report import Report
from core.formats.problems import Level
from storage.tables import Dataset

STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


def say_report(report: Report, version: Path, limit: int, as_json: bool) -> None:
    """`limit` findings; 0 says all of them."""
    found = list(islice(read_findings(version), limit or None))
    if as_json:
        say_json({"type": "report", **report.model_dump(mode="json")})
        for finding in found:
            known = CODES[finding.code]
            told = {"level": known.level, "code": finding.code, "line": finding.line, "row": finding.row}
            say_json({"type": "finding", **told, "detail": finding.detail, "fix": known.fix})
        return
    say(f"{report.rows:,} rows, {report.kind.value} ({report.format}): {report.ok:,} fine, "
        f"{report.warnings:,} with warnings, {report.errors:,} with errors.")  # fmt: skip
    for note in report.notes:
        say(f"{note.text}", "dim")
    for finding in found:
        known = CODES[finding.code]
        where = f"line {finding.line}" if finding.line else f"row {finding.row + 1}"
        say(f"{where}: {known.title} [{finding.code}] {finding.detail} → {known.fix}", STYLES[known.level])
    total = sum(counted.count for counted in report.codes.values())
    if total > len(found):
        say(f"… and {total - len(found):,} more.", "dim")


def say_table(rows: Sequence[Dataset]) -> None:
    table = rich.table.Table("Id", "Name", "Version", "Kind", "Rows", "Errors", "Warnings", "Made by")
    for row in rows:
        figures = (f"{row.rows:,}", f"{row.errors:,}", f"{row.warnings:,}")
        table.add_row(row.id, row.name, str(row.version), row.kind.value, *figures, row.made_by or row.source_name)
    console.print(table)


def say(text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
