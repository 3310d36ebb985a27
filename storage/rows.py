"""A dataset version's rows on disk: `rows.jsonl`, one row a line, and `rows.index`, where each begins.

Web process and trainer share this. A row is one JSON object; its kind says which keys it has:

supervised     messages (the last is the assistant's), tools?
preference     prompt, chosen, rejected (lists of messages), tools?
unpaired       prompt, completion (lists of messages), label (true: wanted)
reinforcement  messages (the last is not the assistant's), item (an object, for the graders), tools?
text           text

A row that could not be read is kept as {"broken": its text, "code": why}: nothing vanishes silently, and it can be
mended by hand. It never trains. A message is OpenAI's: role, content, and where it has them name, weight,
tool_calls, tool_call_id, reasoning_content.
"""

import hashlib
import mmap
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import orjson

ROWS = "rows.jsonl"
INDEX = "rows.index"
#: Two little-endian unsigned 64-bit numbers a row: the byte where it begins, and its line in the user's file.
_RECORD = struct.Struct("<QQ")

Content = dict[str, Any]
Message = dict[str, Any]


class Kind(StrEnum):
    """What a dataset can teach."""

    SUPERVISED = "supervised"
    PREFERENCE = "preference"
    UNPAIRED = "unpaired"
    REINFORCEMENT = "reinforcement"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 0 within the version, `line` from 1 within the file that the user brought."""

    number: int
    line: int
    content: Content

    @property
    def is_broken(self) -> bool:
        return "broken" in self.content


def encode(content: Content) -> bytes:
    """The one spelling of a row, without its line break: equal contents are equal bytes."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def row_id(encoded: bytes) -> str:
    """What a row is called in a frozen split: its content's hash, so that copies go the same way."""
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


class RowsWriter:
    """Appends rows to a new folder; `close` before reading. The caller renames the folder into place."""

    def __init__(self, folder: Path) -> None:
        self._rows: BinaryIO = (folder / ROWS).open("wb")
        self._index: BinaryIO = (folder / INDEX).open("wb")
        self._digest = hashlib.sha256()
        self._records = array("Q")
        self.rows = 0
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Of all rows so far: the version's identity."""
        return self._digest.hexdigest()

    def add(self, content: Content, line: int) -> None:
        self.add_encoded(encode(content), line)

    def add_encoded(self, encoded: bytes, line: int) -> None:
        text = encoded + b"\n"
        self._records.extend((self.bytes, line))
        self._rows.write(text)
        self._digest.update(text)
        self.rows += 1
        self.bytes += len(text)
        if len(self._records) >= 8192:
            self._flush_index()

    def add_lines(self, encoded: list[bytes], first_line: int) -> None:
        """Many rows from consecutive lines at once: the same result at a fifth of the cost."""
        text = b"\n".join(encoded) + b"\n"
        for line, row in enumerate(encoded, start=first_line):
            self._records.append(self.bytes)
            self._records.append(line)
            self.bytes += len(row) + 1
        self._rows.write(text)
        self._digest.update(text)
        self.rows += len(encoded)
        self._flush_index()

    def close(self) -> None:
        self._flush_index()
        self._rows.close()
        self._index.close()

    def _flush_index(self) -> None:
        if not self._records:
            return  # also when closed already
        self._index.write(self._records.tobytes())
        self._records = array("Q")


class Rows:
    """Reads a version by row number; a page costs the same at row 10 and at row 10 000 000."""

    def __init__(self, folder: Path) -> None:
        self._rows = folder / ROWS
        self._index = folder / INDEX

    def __len__(self) -> int:
        return self._index.stat().st_size // _RECORD.size

    def page(self, start: int, count: int) -> list[Row]:
        """Rows `start` to `start + count`; fewer at the end."""
        numbers = range(max(0, start), min(len(self), start + count))
        return list(self.at(numbers))

    def at(self, numbers: Iterator[int] | range | list[int]) -> Iterator[Row]:
        """The rows of these numbers, in their order. Raises IndexError for one that is not there."""
        with self._rows.open("rb") as file, _mapped(self._index) as index:
            for number in numbers:
                if not 0 <= number < len(index) // _RECORD.size:
                    raise IndexError(f"There is no row {number}.")
                offset, line = _RECORD.unpack_from(index, number * _RECORD.size)
                file.seek(offset)
                yield Row(number, line, orjson.loads(file.readline()))

    def __iter__(self) -> Iterator[Row]:
        """All rows, streamed."""
        for number, (line, encoded) in enumerate(self.encoded()):
            yield Row(number, line, orjson.loads(encoded))

    def encoded(self) -> Iterator[tuple[int, bytes]]:
        """(line, the row as it stands), streamed; for whoever copies rows without looking into them."""
        with self._rows.open("rb") as rows, self._index.open("rb") as index:
            for text in rows:
                _, line = _RECORD.unpack(index.read(_RECORD.size))
                yield line, text.rstrip(b"\n")


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap | bytes]:
    if path.stat().st_size == 0:
        yield b""  # an empty file cannot be mapped
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped
