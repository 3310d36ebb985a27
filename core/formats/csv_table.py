"""CSV and TSV: the delimiter by looking, the first row as the columns' names, one row per record."""

import codecs
import csv
import json
from collections.abc import Iterator

from core.formats.limits import BROKEN_BYTES, CELL_CHARACTERS, COLUMNS
from core.formats.problems import FileProblem, RowProblem
from core.formats.raw import Notes, Raw
from core.formats.source import Readable

DELIMITERS = (",", ";", "\t", "|")
#: Columns that hold JSON when a chat dataset was saved as a table.
_NESTED = frozenset(
    (
        "messages",
        "conversations",
        "chosen",
        "rejected",
        "prompt",
        "completion",
        "tools",
        "input",
        "history",
        "preferred_output",
        "non_preferred_output",
    )
)
_LABELS = {"true": True, "false": False, "1": True, "0": False}


def delimiter_of(head: str) -> str:
    """The one that splits most of the head's records into the same number of cells, at least two; else a comma."""
    return max(DELIMITERS, key=lambda delimiter: _agreement(head, delimiter))


def _agreement(head: str, delimiter: str) -> tuple[float, int]:
    lines = head.splitlines(keepends=True)
    try:
        widths = [len(record) for record in csv.reader(lines[:-1] or lines, delimiter=delimiter) if record][:200]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return sum(width == widths[0] for width in widths) / len(widths), widths[0]


def rows(stream: Readable, delimiter: str, notes: Notes) -> Iterator[Raw]:
    """Raises FileProblem for a header that is none, and for a quote that is never closed."""
    csv.field_size_limit(CELL_CHARACTERS)
    reader = csv.reader(_lines(stream), delimiter=delimiter)
    header: list[str] = []
    line = 1
    try:
        for record in reader:
            if not header:
                header = _names(record, notes)
            elif not any(cell.strip() for cell in record):
                notes.add("blank_line", "Blank lines were skipped.", line)
            else:
                yield _row(line, header, record, delimiter)
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileProblem(
            "csv_broken", f"The row that begins on line {line} cannot be read ({error}). Is a quote not closed?", line
        ) from error


def _lines(stream: Readable) -> Iterator[str]:
    """Lines with their ends, as the csv module wants them; a line break inside quotes is its business."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    while data := stream.read(1 << 18):
        rest += decoder.decode(data)
        lines = rest.split("\n")
        rest = lines.pop()
        if len(rest) > 2 * CELL_CHARACTERS:
            raise csv.Error(f"a line of more than {2 * CELL_CHARACTERS:,} characters")
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest


def _names(record: list[str], notes: Notes) -> list[str]:
    if len(record) > COLUMNS:
        raise FileProblem("too_many_columns", f"The table has {len(record)} columns; {COLUMNS} are allowed.", 1)
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(record, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise FileProblem("duplicate_columns", f"Two columns are called “{twice}”. Rename one.", 1)
    if "column" in "".join(names) and any(not cell.strip() for cell in record):
        notes.add("unnamed_column", "A column has no name in the first row.", 1)
    return names


def _row(line: int, header: list[str], record: list[str], delimiter: str) -> Raw:
    if len(record) != len(header):
        detail = f"The row has {len(record)} cells, the first row {len(header)}."
        problem = RowProblem("missing_columns" if len(record) < len(header) else "extra_cells", detail)
        return Raw(line, text=delimiter.join(record)[:BROKEN_BYTES], problem=problem)
    try:
        return Raw(line, {name: typed(name, cell) for name, cell in zip(header, record, strict=True)})
    except RowProblem as problem:
        return Raw(line, text=delimiter.join(record)[:BROKEN_BYTES], problem=problem)


def typed(name: str, cell: str) -> object:
    """A cell has no type: lists of messages are JSON in it, labels are words. Everything else stays a text."""
    if name in ("label", "kto_tag"):
        return _LABELS.get(cell.strip().lower(), cell)
    if name in _NESTED and cell.lstrip().startswith(("[{", "[[", "{")):
        try:
            value = json.loads(cell)
        except (ValueError, RecursionError) as error:
            if name in ("messages", "conversations"):
                raise RowProblem("not_json", f"The cell “{name}” is not JSON: {error}.") from error
            return cell
        return value
    return cell
