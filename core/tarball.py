"""A folder as a tar archive that is made while it is sent. Its size is known before, so a cut download shows."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE_BYTES = 1024 * 1024
#: What ends a tar: two empty blocks.
END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class Tarball:
    """Regular files only, below `root` in the archive. Nothing of this machine's users is told."""

    entries: tuple[tuple[bytes, Path, int], ...]

    @classmethod
    def of(cls, folder: Path, root: str) -> "Tarball":
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        return cls(tuple(_entry(path, f"{root}/{path.relative_to(folder).as_posix()}") for path in files))

    @property
    def size(self) -> int:
        return sum(len(header) + size + _padding(size) for header, _, size in self.entries) + len(END)

    def pieces(self) -> Iterator[bytes]:
        """Raises OSError where a file has gone or shrunk meanwhile: the receiver then misses bytes, and knows."""
        for header, path, size in self.entries:
            yield header
            with path.open("rb") as file:
                left = size
                while left:
                    piece = file.read(min(PIECE_BYTES, left))
                    if not piece:
                        raise OSError(f"{path} has become shorter while it was read")
                    left -= len(piece)
                    yield piece
            yield bytes(_padding(size))
        yield END


def _entry(path: Path, name: str) -> tuple[bytes, Path, int]:
    found = path.stat()
    header = tarfile.TarInfo(name)
    header.size, header.mtime = found.st_size, int(found.st_mtime)
    return header.tobuf(tarfile.GNU_FORMAT), path, found.st_size


def _padding(size: int) -> int:
    return -size % tarfile.BLOCKSIZE
