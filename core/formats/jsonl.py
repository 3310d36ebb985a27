"""JSON lines, in blocks of whole lines, so that a gigabyte is neither held nor read line by line."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.formats.limits import BROKEN_BYTES, LINE_BYTES
from core.formats.parsing import parse_object
from core.formats.problems import RowProblem
from core.formats.raw import Notes, Raw
from core.formats.source import Readable

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines; the first is number `line`. With `too_long` set, the beginning of one endless line."""

    line: int
    data: bytes
    too_long: int = 0


def blocks(stream: Readable) -> Iterator[Block]:
    line, rest = 1, b""
    while data := stream.read(BLOCK_BYTES):
        end = data.rfind(b"\n") + 1
        if end:
            whole = rest + data[:end]
            yield Block(line, whole)
            line += whole.count(b"\n")
            rest = data[end:]
            continue
        rest += data
        if len(rest) > LINE_BYTES:
            length, rest = _skip_line(stream, len(rest)), rest
            yield Block(line, rest[:BROKEN_BYTES], length[0])
            line, rest = line + 1, length[1]
    if rest:
        yield Block(line, rest)


def _skip_line(stream: Readable, length: int) -> tuple[int, bytes]:
    """How long the line was, and what was read beyond it."""
    while data := stream.read(BLOCK_BYTES):
        end = data.find(b"\n") + 1
        if end:
            return length + end, data[end:]
        length += len(data)
    return length, b""


def rows(stream: Readable, notes: Notes) -> Iterator[Raw]:
    for block in blocks(stream):
        yield from rows_of(block, notes)


def rows_of(block: Block, notes: Notes) -> Iterator[Raw]:
    """The block's rows, one by one; what cannot be read says why."""
    if block.too_long:
        yield _too_long(block.line, block.data, block.too_long)
        return
    for line, text in enumerate(block.data.removesuffix(b"\n").split(b"\n"), start=block.line):
        if not text or text.isspace():
            notes.add("blank_line", "Blank lines were skipped.", line)
        elif len(text) > LINE_BYTES:
            yield _too_long(line, text, len(text))
        else:
            yield read_line(line, text)


def read_line(line: int, text: bytes) -> Raw:
    try:
        return Raw(line, parse_object(text))
    except RowProblem as problem:
        return Raw(line, text=text.strip().decode(errors="replace"), problem=problem)


def _too_long(line: int, text: bytes, length: int) -> Raw:
    detail = f"The line has {length / 1e6:,.1f} MB; an example may have {LINE_BYTES / 1e6:,.0f}."
    return Raw(line, text=text[:BROKEN_BYTES].decode(errors="replace"), problem=RowProblem("line_too_long", detail))
