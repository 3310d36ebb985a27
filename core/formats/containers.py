"""How rows lie in a file, found out by its content: JSON lines, one JSON text, a table, Parquet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.formats import csv_table, json_array, jsonl, magic, parquet
from core.formats.encoding import UTF8, Encoding, Recoded, checked, detect
from core.formats.limits import HEAD_BYTES
from core.formats.options import ReadOptions
from core.formats.problems import FileProblem
from core.formats.raw import Notes, Raw
from core.formats.source import Meter, Readable, Source, open_source


class Container(StrEnum):
    """How rows lie in a file."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file ready to be read: what it is, and its text as UTF-8 without byte order mark."""

    path: Path
    container: Container
    encoding: str
    packed: str
    meter: Meter
    notes: Notes
    stream: Readable
    delimiter: str = ""
    #: JSON only: the key of the outer object under which the rows are.
    key: str | None = None

    def rows(self) -> Iterator[Raw]:
        """Every row, once. Raises FileProblem where the file turns out to be none."""
        if self.container is Container.PARQUET:
            return parquet.rows(self.path, self.meter)
        if self.container is Container.CSV:
            return csv_table.rows(self.stream, self.delimiter, self.notes)
        if self.container is Container.JSON:
            return json_array.rows(self.stream, self.key)
        return jsonl.rows(self.stream, self.notes)


@contextmanager
def open_file(path: Path, options: ReadOptions) -> Iterator[Opened]:
    """Raises FileProblem for what is no file of examples, saying what it is."""
    with open_source(path) as source:
        head = source.peek(HEAD_BYTES)
        notes = Notes()
        if magic.is_parquet(head):
            if source.packed:
                raise FileProblem("nested_archive", f"{path.name} is Parquet inside {source.packed}. Unpack it first.")
            yield Opened(path, Container.PARQUET, "", "", source.meter, notes, source)
            return
        magic.refuse_other_kinds(head, path)
        encoding = _encoding(head, path, options)
        _tell(encoding, notes)
        source.read(encoding.mark)
        text = head[encoding.mark :].decode(encoding.name, errors="replace")
        stream: Readable = source if encoding.name == UTF8 else Recoded(source, encoding.name)
        yield _recognise(text, path, options, encoding.name, source, notes, stream)


def _encoding(head: bytes, path: Path, options: ReadOptions) -> Encoding:
    found = detect(head, path.name) if options.encoding is None else Encoding(checked(options.encoding))
    if options.encoding is not None:
        # A mark is a mark, whoever names the encoding.
        mark = next((mark for mark, name in ((3, "utf-8"),) if name == found.name and head[:3] == b"\xef\xbb\xbf"), 0)
        return Encoding(found.name, mark)
    return found


def _tell(encoding: Encoding, notes: Notes) -> None:
    if encoding.mark:
        notes.add("byte_order_mark", f"The file begins with a byte order mark ({encoding.name}); it was left out.")
    if encoding.guessed:
        notes.add(
            "encoding_guessed",
            f"The encoding {encoding.name} was guessed. Look at the first rows, and name another if letters are wrong.",
        )
    elif encoding.name != UTF8:
        notes.add("recoded", f"The file was read as {encoding.name} and is kept as UTF-8.")


def _recognise(
    text: str, path: Path, options: ReadOptions, encoding: str, source: Source, notes: Notes, stream: Readable
) -> Opened:
    container, key = _json_shape(text) if options.delimiter is None else (Container.CSV, None)
    if container is Container.CSV:
        delimiter = _given(options.delimiter) or csv_table.delimiter_of(text[:200_000])
        return Opened(path, container, encoding, source.packed, source.meter, notes, stream, delimiter)
    return Opened(path, container, encoding, source.packed, source.meter, notes, stream, key=key)


def _given(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise FileProblem("bad_delimiter", f"“{delimiter}” cannot divide cells. Use one character, such as ; or a tab.")
    return delimiter


def _json_shape(text: str) -> tuple[Container, str | None]:
    """JSONL unless it is one JSON text; a table when it is no JSON at all."""
    start = text.lstrip()
    if start.startswith("["):
        return Container.JSON, None
    if not start.startswith("{"):
        return (Container.JSONL, None) if _has_json_lines(start) else (Container.CSV, None)
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(start)
    except (ValueError, RecursionError):
        # Cut off by the end of the head, printed prettily, or a damaged first line.
        first = start.split("\n", 1)[0].rstrip()
        if "\n" in start and not (first == "{" or first.endswith(("{", "[", ","))):
            return Container.JSONL, None
        key = json_array.list_key(start)
        return (Container.JSON, key) if key or "\n" in start else (Container.JSONL, None)
    if start[end:].strip():
        # Another row follows: rows printed prettily are one JSON text after the other.
        return (Container.JSON if "\n" in start[:end] else Container.JSONL), None
    key = json_array.list_key(start)
    return (Container.JSON, key) if key or "\n" in start[:end] else (Container.JSONL, None)


def _has_json_lines(start: str) -> bool:
    """A first line that is damaged does not make a table of a JSONL file."""
    lines = [line for line in start.split("\n", 20)[:20] if line.strip()]
    return sum(line.lstrip().startswith("{") for line in lines) * 2 > len(lines)
