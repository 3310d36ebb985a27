"""Writes a version's folder row by row: rows, index, findings, report. Used by the import and by edits alike."""

import heapq
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from core.checks.codes import CODES
from core.checks.findings import FINDINGS, encode_finding, read_findings
from core.checks.report import ROWS_NAMED, CodeCount, FileNote, Report
from core.checks.structure import Verdict, check, texts
from core.formats.limits import BROKEN_BYTES
from core.formats.problems import Finding, Level, RowProblem
from storage.files import fsync_path
from storage.rows import INDEX, ROWS, Content, Kind, RowsWriter, encode

#: Stands for a row that is compared with no other: a broken one.
_UNCOMPARED = 0


class VersionWriter:
    """The caller made the folder and renames it into place after `finish`."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._folder = folder
        self._kind = kind
        self._rows = RowsWriter(folder)
        self._found: BinaryIO = (folder / f".{FINDINGS}").open("wb")
        #: 8 bytes a row, not a set of texts: ten million rows are 80 MB. Python's own hash, so only for this process.
        self._hashes = array("q")
        self._lines = array("q")
        self._codes: dict[str, CodeCount] = {}
        self.characters = 0
        self.first_error: Finding | None = None

    @property
    def rows(self) -> int:
        return self._rows.rows

    def add(self, content: Content, line: int, more: list[Verdict] | None = None) -> None:
        """A canonical row, checked here; `more` is what was wrong with it in its file."""
        if "broken" in content:
            self.add_broken(content["broken"], line, content["code"], "")
            return
        try:
            encoded = encode(content)
        except TypeError as error:  # orjson: an integer beyond 64 bits, half a character
            raise RowProblem("number_too_large", f"The row cannot be written: {error}.") from error
        self._tell(line, [*(more or ()), *check(content, self._kind)])
        self.characters += sum(map(len, texts(content)))
        self._hashes.append(hash(encoded) or 1)
        self._lines.append(line)
        self._rows.add_encoded(encoded, line)

    def add_broken(self, text: str, line: int, code: str, detail: str) -> None:
        """A row that could not be read, kept as its text so that it can be mended by hand."""
        self._tell(line, [(code, detail)])
        self._hashes.append(_UNCOMPARED)
        self._lines.append(line)
        kept = text.encode(errors="replace")[:BROKEN_BYTES].decode(errors="ignore")
        self._rows.add({"broken": kept, "code": code}, line)

    def add_checked(self, lines: list[bytes], first_line: int, characters: int) -> None:
        """Canonical rows in which nothing was found, one a line of the file: the fast way in."""
        self._hashes.extend([hash(line) or 1 for line in lines])
        self._lines.extend(range(first_line, first_line + len(lines)))
        self.characters += characters
        self._rows.add_lines(lines, first_line)

    def finish(
        self,
        source_format: str,
        about: dict[str, str] | None = None,
        columns: Sequence[str] = (),
        notes: Sequence[FileNote] = (),
        on_progress: Callable[[], None] = lambda: None,
    ) -> Report:
        """Looks for copies, sorts the findings, and writes the report last."""
        self._rows.close()
        self._found.close()
        levels = {Level.ERROR: 0, Level.WARNING: 0}
        temporary = self._folder / f".{FINDINGS}"
        with (self._folder / FINDINGS).open("wb") as file:
            merged = heapq.merge(read_findings(temporary), self._copies(), key=lambda finding: finding.row)
            for level, findings in _by_row(merged):
                on_progress()
                levels[level] += 1
                for finding in findings:
                    file.write(encode_finding(finding))
        temporary.unlink()
        for name in (ROWS, INDEX, FINDINGS):
            fsync_path(self._folder / name)
        report = Report(
            kind=self._kind,
            format=source_format,
            rows=self._rows.rows,
            ok=self._rows.rows - sum(levels.values()),
            warnings=levels[Level.WARNING],
            errors=levels[Level.ERROR],
            characters=self.characters,
            sha256=self._rows.sha256,
            codes=self._codes,
            columns=list(columns),
            notes=list(notes),
            **(about or {}),
        )
        report.write(self._folder)
        return report

    def close(self) -> None:
        """Without finishing: the folder is left to whoever made it."""
        self._rows.close()
        self._found.close()

    def _tell(self, line: int, verdicts: list[Verdict]) -> None:
        for code, detail in verdicts:
            finding = Finding(self._rows.rows, line, code, detail)
            self._count(finding)
            if self.first_error is None and CODES[code].level is Level.ERROR:
                self.first_error = finding
            self._found.write(encode_finding(finding))

    def _count(self, finding: Finding) -> None:
        counted = self._codes.setdefault(finding.code, CodeCount())
        counted.count += 1
        if len(counted.rows) < ROWS_NAMED and finding.row not in counted.rows:
            counted.rows.append(finding.row)

    def _copies(self) -> Iterator[Finding]:
        """Every row that equals an earlier one."""
        for row, original in copies(self._hashes):
            finding = Finding(row, self._lines[row], "duplicate", f"The same as line {self._lines[original]}.")
            self._count(finding)
            yield finding


def copies(hashes: "array[int]") -> Iterator[tuple[int, int]]:
    """(row, the first row with the same hash) for every later one, by row.

    That two different rows of ten million share 64 bits happens once in 400 000 such files.
    """
    import numpy  # only in the processes that read files

    values = numpy.frombuffer(hashes, dtype=numpy.int64)
    order = numpy.argsort(values, kind="stable")
    ordered = values[order]
    same = numpy.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] != _UNCOMPARED)) + 1
    begins = numpy.concatenate(([True], ordered[1:] != ordered[:-1]))
    first = order[numpy.maximum.accumulate(numpy.where(begins, numpy.arange(len(order)), 0))]
    rows, originals = order[same], first[same]
    by_row = numpy.argsort(rows)
    for start in range(0, len(by_row), 4096):
        some = by_row[start : start + 4096]
        yield from zip(rows[some].tolist(), originals[some].tolist(), strict=True)


def _by_row(findings: Iterator[Finding]) -> Iterator[tuple[Level, list[Finding]]]:
    """The findings of each row together with their gravest level."""
    row: list[Finding] = []
    for finding in findings:
        if row and row[0].row != finding.row:
            yield _gravest(row), row
            row = []
        row.append(finding)
    if row:
        yield _gravest(row), row


def _gravest(row: list[Finding]) -> Level:
    return Level.ERROR if any(CODES[finding.code].level is Level.ERROR for finding in row) else Level.WARNING
