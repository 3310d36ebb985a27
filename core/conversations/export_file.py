"""An export as it lies on disk: a zip archive or one file, cut into rows or lines of text."""

import codecs
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.conversations import chatgpt, transcript
from core.conversations.archive import open_archive
from core.formats import csv_table, json_array
from core.formats.encoding import UTF8, Recoded, detect
from core.formats.limits import HEAD_BYTES
from core.formats.magic import ZIP, is_parquet, refuse_other_kinds
from core.formats.problems import FileProblem
from core.formats.raw import Notes, Raw
from core.formats.source import Meter, Readable, Source, open_source

_READABLE = (".json", ".jsonl", ".ndjson", ".csv", ".txt", ".md")
#: Lists of rows inside an outer object: answers of APIs, saved.
_WRAPPERS = frozenset(("data", "conversations", "runs", "examples", "traces", "chats", "items"))


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export. `lines` is set for a transcript, else `rows`."""

    name: str
    done: Callable[[], int]
    rows: Iterator[Raw] | None = None
    lines: Iterator[str] | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """`total`: bytes of all parts, in the measure of `Part.done`. `feedback`: rows about messages, read first."""

    total: int
    parts: Iterator[Part]
    feedback: Iterator[Raw]


@contextmanager
def open_export(path: Path, name: str = "") -> Iterator[Export]:
    """Raises FileProblem for what is no export at all, saying what it is."""
    name = name or path.name
    with path.open("rb") as file:
        is_archive = file.read(4).startswith(ZIP)
    if is_archive:
        with open_archive(path, _is_wanted) as members:
            chosen = [member for member in members if _is_conversations(member.name)]
            chosen = chosen or [member for member in members if not _is_feedback(member.name)]
            if not chosen:
                raise FileProblem(
                    "not_conversations",
                    f"{name} holds no conversations.json and no other file of conversations. "
                    "Choose the zip file of the export as it was sent to you.",
                )
            feedback = (
                row
                for member in members
                if _is_feedback(member.name)
                for row in json_array.rows(Source(member.open(), _NO_METER, "zip"))
            )
            parts = _parts([(member.name, member.open) for member in chosen])
            yield Export(sum(member.size for member in chosen), parts, feedback)
        return
    with open_source(path) as source:
        meter = source.meter
        yield Export(meter.total, iter((_part(name, source, lambda: meter.done),)), iter(()))


def _parts(members: "list[tuple[str, Callable[[], Readable]]]") -> Iterator[Part]:
    before = 0
    for name, opened in members:
        counted = _Counted(opened(), before)
        yield _part(name, Source(counted, _NO_METER, "zip"), counted.so_far)
        before = counted.done


def _part(name: str, source: Source, done: Callable[[], int]) -> Part:
    head = source.peek(HEAD_BYTES)
    if is_parquet(head):
        raise FileProblem("not_conversations", f"{name} is a Parquet file. Upload it on the datasets page.")
    refuse_other_kinds(head, Path(PurePosixPath(name).name))
    encoding = detect(head, name)
    source.read(encoding.mark)
    text = head[encoding.mark :].decode(encoding.name, errors="replace")
    stream: Readable = source if encoding.name == UTF8 else Recoded(source, encoding.name)
    if text.lstrip().startswith(("{", "[")) and not text.lstrip().startswith(_times()):
        return Part(name, done, rows=json_array.rows(stream, _wrapper(text)))
    if transcript.knows(text):
        return Part(name, done, lines=_lines(stream))
    delimiter = csv_table.delimiter_of(text[:200_000])
    columns = text.split("\n", 1)[0]
    if delimiter in columns and "input" in columns.lower():
        return Part(name, done, rows=csv_table.rows(stream, delimiter, Notes()))
    raise FileProblem(
        "not_conversations",
        f"{name} is neither an export that is known here nor a transcript. A transcript has lines that begin with "
        "“User:” and “Assistant:”.",
    )


def _times() -> tuple[str, ...]:
    """ "[10:42] User: …" is a transcript, not a list."""
    return tuple(f"[{digit}" for digit in "0123456789")


def _wrapper(text: str) -> str | None:
    key = json_array.list_key(text) if text.lstrip().startswith("{") else None
    return key if key in _WRAPPERS and not _is_row(text) else None


def _is_row(text: str) -> bool:
    """A row may have such a list too: what follows its first object tells them apart."""
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    return text.lstrip()[end:].lstrip().startswith("{")


def _lines(stream: Readable) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    while data := stream.read(1 << 16):
        *lines, rest = (rest + decoder.decode(data)).split("\n")
        yield from lines
        if len(rest) > transcript.LONGEST_CHARACTERS:
            yield rest
            rest = ""
    if rest + decoder.decode(b"", final=True):
        yield rest


class _Counted:
    """`done` counts on from where the members before it ended."""

    def __init__(self, stream: Readable, before: int) -> None:
        self._stream = stream
        self.done = before

    def so_far(self) -> int:
        return self.done

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.done += len(data)
        return data


def _is_wanted(name: str) -> bool:
    """Nothing that macOS adds, and nothing hidden."""
    path = PurePosixPath(name)
    return path.suffix.lower() in _READABLE and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _is_conversations(name: str) -> bool:
    last = PurePosixPath(name).name
    return last.startswith("conversations") and last.endswith(".json")


def _is_feedback(name: str) -> bool:
    return PurePosixPath(name).name == chatgpt.FEEDBACK


class _NoMeter(Meter):
    def __init__(self) -> None:
        self.done = self.total = 0


_NO_METER = _NoMeter()
