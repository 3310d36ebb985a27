"""One long JSON text: an array of rows, an object that holds such an array, or rows one after the other.

Read a piece at a time; of a file of several gigabytes one row is in memory.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from core.formats.limits import BROKEN_BYTES, LINE_BYTES
from core.formats.parsing import checked_object, strict_decoder
from core.formats.problems import FileProblem, RowProblem
from core.formats.raw import Raw
from core.formats.source import Readable

_PIECE = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_LIST_OF_OBJECTS = re.compile(r"\[[ \t\r\n]*\{")
_KEY = re.compile(r'[ \t\r\n,]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*')


class Text:
    """The file's text with a place in it. What lies behind the place is forgotten."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.buffer = ""
        self.place = 0
        self.line = 1
        self.ended = False

    def more(self) -> bool:
        """Reads on; False at the end of the file."""
        data = self._stream.read(max(_PIECE, len(self.buffer) - self.place))
        self.buffer = self.buffer[self.place :] + self._decoder.decode(data, final=not data)
        self.place = 0
        self.ended = not data
        return not self.ended

    def move(self, to: int) -> None:
        self.line += self.buffer.count("\n", self.place, to)
        self.place = to

    def skip(self, what: re.Pattern[str] = _SPACE) -> str:
        """The next character that `what` does not match; empty at the end."""
        while True:
            found = what.match(self.buffer, self.place)
            self.move(found.end() if found else self.place)
            if self.place < len(self.buffer):
                return self.buffer[self.place]
            if not self.more():
                return ""


def rows(stream: Readable, key: str | None = None) -> Iterator[Raw]:
    """The array's rows; with `key`, those of the array that the outer object has under it."""
    text = Text(stream)
    if key is not None:
        _enter(text, key)
    if text.skip() == "[":
        text.move(text.place + 1)
        yield from _elements(text, "]")
    else:
        yield from _elements(text, "")


def _elements(text: Text, end: str) -> Iterator[Raw]:
    decoder = strict_decoder()
    while True:
        found = text.skip(_BETWEEN)
        if not found and end:
            raise_cut = RowProblem("not_json", "The file ends before its list does: it may be half a file.")
            yield Raw(text.line, problem=raise_cut, text="(the end of the file)")
        if not found or found == end:
            return
        row = _element(text, decoder)
        yield row
        if row.problem and text.ended and text.place >= len(text.buffer):
            return


def _element(text: Text, decoder: json.JSONDecoder) -> Raw:
    line = text.line
    while True:
        try:
            value, end = decoder.raw_decode(text.buffer, text.place)
        except json.JSONDecodeError as error:
            problem = RowProblem("not_json", f"{error.msg}.")
        except RecursionError:
            problem = RowProblem("too_deep", "Lists and objects are nested too deeply.")
        except RowProblem as error:
            problem = error
        else:
            # A number at the end of what was read may go on.
            if end < len(text.buffer) or not text.more():
                return _row(text, line, value, end)
            continue
        if problem.code != "not_json" or len(text.buffer) - text.place > LINE_BYTES or not text.more():
            return _broken(text, line, problem)


def _row(text: Text, line: int, value: Any, end: int) -> Raw:
    written = text.buffer[text.place : end]
    text.move(end)
    try:
        return Raw(line, checked_object(value, written))
    except RowProblem as problem:
        return Raw(line, text=written, problem=problem)


def _broken(text: Text, line: int, problem: RowProblem) -> Raw:
    """Keeps what can be told apart as one row, by its brackets; where even they do not fit, the file is broken."""
    kept, depth = "", 0
    while True:
        for token in _TOKENS.finditer(text.buffer, text.place):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if depth == 0 and token[0] in "}]":
                kept += text.buffer[text.place : token.end()][:BROKEN_BYTES]
                if len(kept) >= BROKEN_BYTES:
                    problem = RowProblem("line_too_long", "The row is longer than an example may be.")
                text.move(token.end())
                return Raw(line, text=kept[:BROKEN_BYTES], problem=problem)
        if text.ended or not text.more():
            kept += text.buffer[text.place :]
            text.move(len(text.buffer))
            cut = RowProblem("not_json", "The file ends within this row: it may be half a file.")
            return Raw(line, text=kept[:BROKEN_BYTES], problem=cut)
        depth = 0


def _enter(text: Text, key: str) -> None:
    """Moves to the array under `key` of the outer object."""
    text.skip()
    text.move(text.place + 1)
    decoder = json.JSONDecoder()
    while True:
        while not (found := _KEY.match(text.buffer, text.place)):
            if not text.more():
                raise FileProblem("not_json", f"The object has no list “{key}” that can be read.", text.line)
        text.move(found.end())
        name = json.loads(f'"{found[1]}"', strict=False)
        if name == key:
            return
        text.skip()
        while True:
            try:
                _, end = decoder.raw_decode(text.buffer, text.place)
                break
            except (json.JSONDecodeError, RecursionError) as error:
                if not text.more():
                    raise FileProblem("not_json", f"The object is broken after “{name}”.", text.line) from error
        text.move(end)


def list_key(head: str) -> str | None:
    """The key under which the object that begins with `head` holds its rows; None where it is a row itself."""
    text = Text(_Nothing())
    text.buffer = head
    text.skip()
    place = text.place + 1
    decoder = json.JSONDecoder()
    while found := _KEY.match(head, place):
        inner = _LIST_OF_OBJECTS.match(head, found.end())
        if inner and not _is_message(head, inner.end() - 1, decoder):
            return found[1]
        try:
            _, place = decoder.raw_decode(head, found.end())
        except (json.JSONDecodeError, RecursionError):
            return None
    return None


def _is_message(head: str, place: int, decoder: json.JSONDecoder) -> bool:
    """Lists of messages and of tools belong to a row; an object too long to be seen whole is a row."""
    try:
        value, _ = decoder.raw_decode(head, place)
    except (json.JSONDecodeError, RecursionError):
        return False
    return isinstance(value, dict) and bool(value.keys() & {"role", "from", "function", "type"})


class _Nothing:
    def read(self, size: int, /) -> bytes:
        return b""
