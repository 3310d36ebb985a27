"""What a trainer has printed: its log files, of which never more than the end is read at once."""

import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound
from storage.run_folder import RunFolder

MOST_LINES = 500
TAIL_BYTES = 128 * 1024
#: A longer line is cut: somebody may print a tensor.
LINE_BYTES = 4096
#: Colours and cursor moves of a terminal, and characters that show nothing.
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class LogFile:
    """`key` names it in an address."""

    key: str
    title: str
    path: Path


@dataclass(frozen=True, slots=True)
class Lines:
    """`is_cut` where there is more before the first one."""

    lines: tuple[str, ...]
    is_cut: bool


def log_files(folder: RunFolder) -> tuple[LogFile, ...]:
    """Those in which something stands, the newest attempt first, errors before output."""
    return tuple(
        LogFile(f"{attempt.number}-{path.name}", f"Attempt {attempt.number}, {path.stem}", path)
        for attempt in reversed(folder.attempts())
        for path in sorted(attempt.path.glob("std*.log"))
        if path.stat().st_size
    )


def log_file(folder: RunFolder, key: str) -> LogFile:
    """Raises NotFound for whatever is none of `log_files`."""
    for found in log_files(folder):
        if found.key == key:
            return found
    raise NotFound("The run “{job_id}” has no log “{key}”.", job_id=folder.job_id, key=key[:100])


def tail(path: Path, most_lines: int = MOST_LINES) -> Lines:
    """The last lines. Nothing where the file has gone."""
    try:
        with path.open("rb") as file:
            begin = max(0, path.stat().st_size - TAIL_BYTES)
            file.seek(begin)
            raw = file.read(TAIL_BYTES).split(b"\n")
    except FileNotFoundError:
        return Lines((), is_cut=False)
    raw = raw[1:] if begin else raw  # the first is half a line
    found = [_clean(line) for line in raw if line.strip()]
    return Lines(tuple(found[-most_lines:]), is_cut=bool(begin) or len(found) > most_lines)


def search(path: Path, words: str, most_lines: int = MOST_LINES) -> Lines:
    """The last lines of the whole file that hold all words, whatever their case."""
    wanted = words.lower().split()
    kept: deque[str] = deque(maxlen=most_lines + 1)
    try:
        with path.open("rb") as file:
            while raw := file.readline(LINE_BYTES):
                line = _clean(raw)
                if line and all(word in line.lower() for word in wanted):
                    kept.append(line)
    except FileNotFoundError:
        return Lines((), is_cut=False)
    return Lines(tuple(kept)[-most_lines:], is_cut=len(kept) > most_lines)


def _clean(raw: bytes) -> str:
    """As a terminal would show it in the end: a progress bar overwrites itself."""
    text = raw[:LINE_BYTES].decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]
    return _CONTROLS.sub("", text).rstrip()
