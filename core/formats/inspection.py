"""A look at a file's first rows: what it is, what it would become, and what a person should confirm."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.formats import FORMATS
from core.formats.containers import Container, Opened, open_file
from core.formats.detection import format_of, nearest_name, propose, vote
from core.formats.format import Format
from core.formats.limits import HEAD_ROWS
from core.formats.mapped import NAME as MAPPED
from core.formats.mapped import convert as convert_mapped
from core.formats.options import Mapping, ReadOptions
from core.formats.problems import FileProblem, RowProblem
from core.formats.raw import Note, Raw
from storage.rows import Content, Kind

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """A row before and after: `content` is empty where `problem` says why."""

    raw: Raw
    content: Content
    problem: RowProblem | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is. Not `confident`: show `mapping` (a proposal, or None) and let a person decide."""

    container: Container
    packed: str
    encoding: str
    delimiter: str
    #: A name of FORMATS, "mapped", or "" where nothing fits.
    format: str
    kind: Kind | None
    confident: bool
    columns: list[str]
    mapping: Mapping | None
    samples: list[Sample]
    notes: list[Note]
    #: Columns that the format does not read.
    ignored: list[str]

    def refuse_doubt(self, name: str) -> None:
        """Raises FileProblem `unknown_format` unless it is clear how the rows are to be read."""
        if self.format and self.confident:
            return
        seen = ", ".join(self.columns[:8]) or "no columns"
        if self.mapping:
            proposed = ", ".join(
                f"{column} → {role}" for column, role in self.mapping.roles.items() if role != "ignore"
            )
            raise FileProblem("unknown_format", f"{name} has {seen}. Confirm what they are; it could be: {proposed}.")
        raise FileProblem(
            "unknown_format", f"{name} has {seen}. That is none of the known formats.{nearest_name(self.columns)}"
        )


def inspect_file(path: Path, options: ReadOptions | None = None) -> Inspection:
    """Reads the first 200 rows. Raises FileProblem for what is no file of examples at all."""
    options = options or ReadOptions()
    with open_file(path, options) as opened:
        rows = list(islice(opened.rows(), HEAD_ROWS))
    columns = list(dict.fromkeys(key for row in rows for key in row.content))
    good = [row.content for row in rows if not row.problem]
    if rows and not good:
        _refuse_garbage(path, opened, rows)
    entry, confident = _format(options, good)
    mapping = options.mapping or (None if entry and confident else propose(columns))
    convert = _converter(entry, options.mapping)
    return Inspection(
        container=opened.container,
        packed=opened.packed,
        encoding=opened.encoding,
        delimiter=opened.delimiter,
        format=MAPPED if options.mapping else entry.name if entry else "",
        kind=options.mapping.kind if options.mapping else entry.kind if entry else None,
        confident=confident,
        columns=columns,
        mapping=mapping,
        samples=[_sample(row, convert) for row in rows[:SHOWN]],
        notes=opened.notes.all(),
        ignored=_ignored(entry, options.mapping, columns),
    )


def converter(inspection: Inspection) -> Callable[[Content], Content]:
    """How rows of the inspected file become ours. A row of another known format raises `mixed_formats`."""
    if inspection.format == MAPPED and inspection.mapping:
        return _converter(None, inspection.mapping)
    entry = FORMATS[inspection.format]

    def convert(row: Content) -> Content:
        try:
            return entry.convert(row)
        except RowProblem as problem:
            other = format_of(row)
            if other and other is not entry and problem.code in ("missing_columns", "missing_messages"):
                raise RowProblem("mixed_formats", f"This row is {other.label}; the others are {entry.label}.") from None
            raise

    return convert


def _format(options: ReadOptions, rows: list[Content]) -> tuple[Format | None, bool]:
    if options.mapping:
        return None, True
    if options.format is None:
        return vote(rows)
    if options.format not in FORMATS:
        raise FileProblem("unknown_format", f"There is no format “{options.format}”. Known: {', '.join(FORMATS)}.")
    return FORMATS[options.format], True


def _converter(entry: Format | None, mapping: Mapping | None) -> Callable[[Content], Content]:
    if mapping:
        return lambda row: convert_mapped(row, mapping)
    return entry.convert if entry else lambda row: {}


def _sample(row: Raw, convert: Callable[[Content], Content]) -> Sample:
    if row.problem:
        return Sample(row, {}, row.problem)
    try:
        return Sample(row, convert(row.content))
    except RowProblem as problem:
        return Sample(row, {}, problem)


def _ignored(entry: Format | None, mapping: Mapping | None, columns: list[str]) -> list[str]:
    if mapping:
        return [column for column in columns if mapping.roles.get(column, "ignore") == "ignore"]
    if entry is None or entry.kind is Kind.REINFORCEMENT:
        return []
    return [column for column in columns if column not in entry.columns]


def _refuse_garbage(path: Path, opened: Opened, rows: list[Raw]) -> None:
    """Not one of the first rows can be read: that is no dataset."""
    first = rows[0]
    if first.problem:
        what = {Container.JSONL: "JSON lines", Container.JSON: "JSON"}.get(opened.container, str(opened.container))
        raise FileProblem(
            first.problem.code,
            f"{path.name} cannot be read as {what}: {first.problem.detail} (line {first.line})",
            first.line,
        )
