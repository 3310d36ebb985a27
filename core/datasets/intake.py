"""A user's file becomes a version's rows, streamed: what is odd is explained, what is not goes the fast way."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.checks.codes import CODES
from core.checks.report import FileNote, Report
from core.checks.structure import FORMULA, Verdict
from core.datasets.fast_chat import FastChat
from core.datasets.version_writer import VersionWriter
from core.formats.containers import Container, Opened, open_file
from core.formats.encoding import UTF8
from core.formats.inspection import Inspection, converter, inspect_file
from core.formats.jsonl import Block, blocks, rows_of
from core.formats.options import ReadOptions
from core.formats.problems import FileProblem, RowProblem
from core.formats.raw import Raw
from storage.rows import Content

MINIMUM_EXAMPLES = 10
#: Rows between two calls of `on_progress` where rows come one by one.
_ROWS_A_STEP = 256
#: Blocks smaller than this are not worth a second try at the fast way.
_LEAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of the file as it lies on disk, packed or not."""

    done: int = 0
    total: int = 0
    rows: int = 0
    phase: str = "Reading"

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


OnProgress = Callable[[Progress], None]


def import_file(
    source: Path, into: Path, options: ReadOptions | None = None, on_progress: OnProgress = lambda _: None
) -> Report:
    """Writes rows, index, findings and report into the folder `into`. Raises FileProblem for what is no dataset.

    What `on_progress` raises ends the import; the folder is then the caller's to remove.
    """
    options = options or ReadOptions()
    inspection = inspect_file(source, options)
    inspection.refuse_doubt(source.name)
    assert inspection.kind is not None  # a confident inspection knows its kind
    with open_file(source, options) as opened:
        writer = VersionWriter(into, inspection.kind)
        with closing(writer):
            intake = _Intake(inspection, opened, writer, on_progress)
            intake.run()
            if writer.rows < MINIMUM_EXAMPLES:
                raise _too_few(source.name, writer)
            return intake.finish()


class _Intake:
    def __init__(self, inspection: Inspection, opened: Opened, writer: VersionWriter, on_progress: OnProgress) -> None:
        self._inspection = inspection
        self._opened = opened
        self._writer = writer
        self._on_progress = on_progress
        self._convert = converter(inspection)
        self._fast = FastChat()
        self._is_table = opened.container is Container.CSV

    def run(self) -> None:
        opened = self._opened
        if opened.container is Container.JSONL and opened.encoding == UTF8 and self._inspection.format == "chat":
            for block in blocks(opened.stream):
                self._take(block)
                self._tell("Reading")
        else:
            for number, raw in enumerate(opened.rows()):
                self._add(raw)
                if number % _ROWS_A_STEP == 0:
                    self._tell("Reading")

    def finish(self) -> Report:
        def tell() -> None:
            self._tell("Looking for copies")

        tell()
        seen, notes = self._inspection, self._opened.notes
        if seen.ignored:
            notes.add("ignored_columns", f"Not used: {', '.join(seen.ignored[:20])}.")
        counts = notes.counts
        told = [
            FileNote(code=note.code, text=note.text, line=note.line, count=counts[note.code]) for note in notes.all()
        ]
        about = {"container": str(self._opened.container), "encoding": self._opened.encoding}
        return self._writer.finish(seen.format, about, seen.columns, told, tell)

    def _take(self, block: Block) -> None:
        """The whole block the fast way; else its halves; and what is left, row by row."""
        clean = None if block.too_long else self._fast.accept(block.data)
        if clean:
            self._writer.add_checked(clean.rows, block.line, clean.characters)
            return
        halves = _halves(block)
        for half in halves:
            self._take(half)
        if not halves:
            for raw in rows_of(block, self._opened.notes):
                self._add(raw)

    def _add(self, raw: Raw) -> None:
        problem = raw.problem
        if problem is None:
            try:
                more = _formulas(raw.content) if self._is_table else []
                self._writer.add(self._convert(raw.content), raw.line, more)
                return
            except RowProblem as error:
                problem = error
        self._writer.add_broken(raw.text or _written(raw.content), raw.line, problem.code, problem.detail)

    def _tell(self, phase: str) -> None:
        meter = self._opened.meter
        self._on_progress(Progress(meter.done, meter.total, self._writer.rows, phase))


def _too_few(name: str, writer: VersionWriter) -> FileProblem:
    message = f"{name} has {writer.rows} examples; at least {MINIMUM_EXAMPLES} labelled examples are required."
    if wrong := writer.first_error:
        message += f" And line {wrong.line}: {CODES[wrong.code].title}. {wrong.detail}"
    return FileProblem("too_few", message)


def _halves(block: Block) -> list[Block]:
    # Not splitlines: it takes a lone carriage return for a line's end.
    lines = [] if block.too_long else [line + b"\n" for line in block.data.removesuffix(b"\n").split(b"\n")]
    if len(lines) < 2 * _LEAST_LINES:
        return []
    middle = len(lines) // 2
    return [
        Block(block.line, b"".join(lines[:middle])),
        Block(block.line + middle, b"".join(lines[middle:])),
    ]


def _written(content: Content) -> str:
    return json.dumps(content, ensure_ascii=False, default=str)


def _formulas(row: Content) -> list[Verdict]:
    found = next((name for name, cell in row.items() if isinstance(cell, str) and FORMULA.match(cell)), None)
    return [("formula_cell", f"“{found}” holds {row[found][:40]}")] if found else []
