"""A version's verdict on a terminal: what it holds, what was found, and how to mend it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import rich.table

from cli.output import console, say_json
from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.checks.report import Report
from core.datasets.closer import CloserLook
from core.datasets.tokens import Examination
from core.datasets.verdicts import level_of
from core.formats.problems import Finding, Level
from storage.tables import Dataset

STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


def say_report(report: Report, version: Path, limit: int, as_json: bool) -> None:
    """`limit` findings; 0 says all of them."""
    if as_json:
        say_json({"type": "report", **report.model_dump(mode="json")})
    else:
        say(f"{report.rows:,} rows, {report.kind.value} ({report.format}): {report.ok:,} fine, "
            f"{report.warnings:,} with warnings, {report.errors:,} with errors.")  # fmt: skip
        for note in report.notes:
            say(note.text, "dim")
    total = sum(counted.count for counted in report.codes.values())
    _say_findings(read_findings(version), total, limit, as_json)


def say_closer_look(look: CloserLook, limit: int, as_json: bool) -> None:
    report = look.result()
    if as_json:
        say_json({"type": "closer look", **report.model_dump(mode="json")})
    else:
        say(f"The closer look was at {report.looked_at:,} of {report.rows:,} rows. {report.note}".strip())
    _say_findings(look.findings(), sum(found.count for found in report.codes.values()), limit, as_json)


def say_tokens(counted: Examination, limit: int, as_json: bool) -> None:
    report = counted.result()
    if as_json:
        say_json({"type": "tokens", **report.model_dump(mode="json"), "objection": report.objection()})
    else:
        say(f"{report.tokens:,} tokens, {report.learned:,} of them learned. A row has {report.p50:,} (p50), "
            f"{report.p95:,} (p95), {report.p99:,} (p99), at most {report.max:,}; a context of {report.context:,} cuts "
            f"off {report.truncated_tokens:,} in all.")  # fmt: skip
    _say_findings(counted.findings(), sum(found.count for found in report.codes.values()), limit, as_json)
    if not as_json and report.objection():
        say(report.objection(), STYLES[Level.ERROR])


def _say_findings(findings: Iterator[Finding], total: int, limit: int, as_json: bool) -> None:
    shown = list(islice(findings, limit or None))
    for finding in shown:
        level, title, mend = level_of(finding.code), finding.code, ""
        if known := CODES.get(finding.code):
            title, mend = known.title, known.fix
        if as_json:
            told = {"level": level, "code": finding.code, "line": finding.line, "row": finding.row}
            say_json({"type": "finding", **told, "detail": finding.detail, "fix": mend})
        else:
            where = f"line {finding.line}" if finding.line else f"row {finding.row + 1}"
            say(f"{where}: {title} [{finding.code}] {finding.detail} → {mend}", STYLES[level])
    if total > len(shown) and not as_json:
        say(f"… and {total - len(shown):,} more.", "dim")


def say_table(rows: Sequence[Dataset]) -> None:
    table = rich.table.Table("Id", "Name", "Version", "Kind", "Rows", "Errors", "Warnings", "Made by")
    for row in rows:
        figures = (f"{row.rows:,}", f"{row.errors:,}", f"{row.warnings:,}")
        table.add_row(row.id, row.name, str(row.version), row.kind.value, *figures, row.made_by or row.source_name)
    console.print(table)


def say(text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
