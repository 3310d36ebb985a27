"""A zip archive from outside, read in place: nothing is ever unpacked to the disk.

Refused whole: names that lead out of a folder, links, encryption, and contents that are far larger than the archive.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.formats.limits import UNPACKED_BYTES, UNPACKED_FACTOR
from core.formats.problems import FileProblem

#: Exports with pictures have thousands; the list alone costs memory.
MOST_MEMBERS = 200_000
_UNSAFE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0")


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    size: int
    open: "Callable[[], Reader]"


class Reader:
    """One member's bytes. Raises FileProblem where it is damaged."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
            raise _damaged(self._name, error) from error
        except OSError as error:
            if error.errno:
                raise  # the disk's fault, not the file's
            raise _damaged(self._name, error) from error  # what bz2 raises


@contextmanager
def open_archive(path: Path, wanted: Callable[[str], bool]) -> Iterator[list[Member]]:
    """The members that are `wanted` by name, in the archive's order. Raises FileProblem for an unsafe archive."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise _damaged(path.name, error) from error
    with archive, ExitStack() as opened:
        listed = archive.infolist()
        if len(listed) > MOST_MEMBERS:
            raise FileProblem("unsafe_archive", f"{path.name} holds {len(listed):,} files. Choose an export.")
        for info in listed:
            _refuse_unsafe(path, info)
        chosen = [info for info in listed if not info.is_dir() and wanted(info.filename)]
        _refuse_bomb(path, chosen)
        yield [Member(info.filename, info.file_size, _opener(archive, info, opened)) for info in chosen]


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo, opened: ExitStack) -> Callable[[], Reader]:
    def begin() -> Reader:
        try:
            return Reader(opened.enter_context(archive.open(info)), info.filename)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
            raise _damaged(info.filename, error) from error

    return begin


def _refuse_unsafe(path: Path, info: zipfile.ZipInfo) -> None:
    # ZipInfo cuts a name at a zero byte; what stood there is in orig_filename.
    if _UNSAFE.search(info.filename) or _UNSAFE.search(info.orig_filename):
        raise FileProblem(
            "unsafe_archive",
            f"{path.name} holds a file named “{info.orig_filename[:80]}”, which leads out of its folder. "
            "No export does that, so nothing of it was read.",
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise FileProblem(
            "unsafe_archive", f"{path.name} holds a link (“{info.filename[:80]}”). No export does, so it was not read."
        )
    if info.flag_bits & 1:
        raise FileProblem("encrypted_archive", f"{path.name} is protected by a password. Unpack it and pack it anew.")


def _refuse_bomb(path: Path, chosen: list[zipfile.ZipInfo]) -> None:
    """By the sizes that the archive states: of a member that states too little, zipfile reads no more than it states,
    and says that it is damaged."""
    if sum(info.file_size for info in chosen) > max(UNPACKED_BYTES, UNPACKED_FACTOR * path.stat().st_size):
        raise FileProblem(
            "decompression_bomb",
            f"{path.name} unpacks to more than {UNPACKED_FACTOR} times its size. "
            "If it is sound, unpack it and choose conversations.json.",
        )


def _damaged(name: str, error: Exception) -> FileProblem:
    return FileProblem("damaged_archive", f"{name} cannot be unpacked ({error}). It may be cut off: download it again.")
