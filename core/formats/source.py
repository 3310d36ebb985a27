"""The bytes of a user's file: unpacked on the way where it is compressed, counted, and never more than it may be."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard
from typing_extensions import Buffer

from core.formats.limits import UNPACKED_BYTES, UNPACKED_FACTOR
from core.formats.problems import FileProblem

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Meter(io.RawIOBase):
    """Counts what has been read of the file as it lies on disk: progress knows no other size."""

    def __init__(self, file: BinaryIO, total: int) -> None:
        self._file = file
        self.done = 0
        self.total = total

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        data = self._file.read(len(memoryview(buffer)))
        memoryview(buffer)[: len(data)] = data
        self.done += len(data)
        return len(data)


class Source:
    """A stream of unpacked bytes with a head that can be looked at before it is read."""

    def __init__(self, stream: Readable, meter: Meter, packed: str) -> None:
        self._stream = stream
        self._head = b""
        self.meter = meter
        #: "gzip", "zstd" or "".
        self.packed = packed

    def peek(self, size: int) -> bytes:
        while len(self._head) < size:
            more = self._stream.read(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head[:size]

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end only."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._stream.read(size)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The file's bytes. Raises FileProblem for a damaged archive and for one that grows without end."""
    with path.open("rb") as file:
        size = path.stat().st_size
        magic = file.read(4)
        file.seek(0)
        meter = Meter(file, size)
        counted = io.BufferedReader(meter, 1 << 18)
        if magic.startswith(_GZIP):
            yield Source(_Bounded(gzip.GzipFile(fileobj=counted), path, size), meter, "gzip")
        elif magic == _ZSTD:
            unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            yield Source(_Bounded(unpacker.stream_reader(counted, read_across_frames=True), path, size), meter, "zstd")
        else:
            yield Source(counted, meter, "")


class _Bounded:
    """A decompressor that gives up on a bomb."""

    def __init__(self, stream: io.BufferedIOBase | Readable, path: Path, packed_bytes: int) -> None:
        self._stream = stream
        self._name = path.name
        self._left = max(UNPACKED_BYTES, UNPACKED_FACTOR * packed_bytes)
        self._begun = False

    def read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the disk's fault, not the file's
            raise FileProblem(
                "damaged_archive", f"{self._name} cannot be unpacked ({error}). It may be cut off; copy it again."
            ) from error
        if not self._begun and data.startswith((_GZIP, _ZSTD)):
            raise FileProblem("nested_archive", f"{self._name} is packed twice. Unpack it once and add the result.")
        self._begun = True
        self._left -= len(data)
        if self._left < 0:
            raise FileProblem(
                "decompression_bomb",
                f"{self._name} unpacks to more than {UNPACKED_FACTOR} times its size. "
                "If it is sound, unpack it and add the result.",
            )
        return data
