"""JSON lines, in blocks of whole lines, so that a gigabyte is neither held nor read line by line."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.formats.limits import BROKEN_BYTES, LINE_BYTES
from core.formats.parsing import parse_object
from core.formats.problems import RowProblem
from core.formats.raw import Notes, Raw
from core.formats.source import Readable

#: Small enough to stay in the processor's cache through all that is done with a block.
BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Block:
    """`lines` whole lines; the first is number `line`. With `too_long` set, the beginning of one endless line."""

    line: int
    lines: int
    data: bytes
    too_long: int = 0


def blocks(stream: Readable) -> Iterator[Block]:
    line, rest = 1, b""
    while data := stream.read(BLOCK_BYTES):
        end = data.rfind(b"\n") + 1
        if end:
            whole = b"".join((rest, memoryview(data)[:end]))
            lines = whole.count(b"\n")
            yield Block(line, lines, whole)
            line += lines
            rest = data[end:]
            continue
        rest += data
        if len(rest) > LINE_BYTES:
            length, beyond = _skip_line(stream, len(rest))
            yield Block(line, 1, rest[:BROKEN_BYTES], length)
            line += 1
            end = beyond.rfind(b"\n") + 1
            if end:
                lines = beyond.count(b"\n")
                yield Block(line, lines, beyond[:end])
                line += lines
            rest = beyond[end:]
    if rest:
        yield Block(line, rest.count(b"\n") + (not rest.endswith(b"\n")), rest)


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
