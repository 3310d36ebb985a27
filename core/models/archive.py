"""A model or an adapter that came as one file: a zip archive, or a packed tar. What is in it is a stranger's."""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import BadInput
from core.formats.magic import ZIP
from core.home import Home

MOST_MEMBERS = 10_000
PIECE_BYTES = 4 * 1024**2
#: More than deflate makes of any weights; a bomb makes thousands.
LARGEST_RATIO = 50
_TAKEN = re.compile(r"[\w\-.]{1,120}\.(?:json|safetensors|md|txt|model|jinja)|licen[cs]e", re.IGNORECASE | re.ASCII)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)

#: (path inside, bytes, how to open it)
Member = tuple[PurePosixPath, int, IO[bytes]]


def unpack(archive: Path, into: Path, home: Home) -> None:
    """The texts and safetensors of the uppermost folder that has any; folders inside are left. Raises BadInput."""
    try:
        with _opened(archive) as members:
            sizes = _measure(members, archive, home)
        top = min((len(path.parts) for path in sizes if _TAKEN.fullmatch(path.name)), default=0)
        folders = {path.parent for path in sizes if len(path.parts) == top and _TAKEN.fullmatch(path.name)}
        if len(folders) != 1:
            raise BadInput(_nothing(archive, sizes))
        with _opened(archive) as members:
            for path, size, stream in members:
                if path.parent in folders and _TAKEN.fullmatch(path.name):
                    _copy(stream, into / path.name, size, archive)
    except _BROKEN as error:
        raise BadInput(
            "{name} cannot be unpacked ({error}). Pack the folder again.", name=archive.name, error=str(error)[:200]
        ) from error


def _measure(members: Iterator[Member], archive: Path, home: Home) -> dict[PurePosixPath, int]:
    """The sizes as stated: nothing more than that is ever read of a member."""
    found: dict[PurePosixPath, int] = {}
    for path, size, _ in members:
        if path in found:
            raise BadInput("{name} holds {path} twice. Pack the folder again.", name=archive.name, path=path)
        found[path] = size
    total = sum(found.values())
    if total > LARGEST_RATIO * max(archive.stat().st_size, 1024**2):
        raise BadInput(
            "{name} would unpack to {total:,} bytes, which no model does. Pack the folder again.",
            name=archive.name,
            total=total,
        )
    home.require_free(total, f"Unpacking {archive.name}")
    return found


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    with archive.open("rb") as file:
        head = file.read(4)
    if head.startswith(ZIP):
        with zipfile.ZipFile(archive) as opened:
            yield _of_zip(opened, archive)
    elif head.startswith(b"\x1f\x8b"):
        with tarfile.open(archive, "r:gz") as packed:
            yield _of_tar(packed, archive)
    else:
        raise BadInput(
            "{name} is neither a zip archive nor a .tar.gz. Pack the folder as one of them.", name=archive.name
        )


def _of_zip(archive: zipfile.ZipFile, path: Path) -> Iterator[Member]:
    infos = archive.infolist()
    _require_few(len(infos), path)
    for info in infos:
        if not info.is_dir():
            with archive.open(info) as stream:
                yield PurePosixPath(info.filename), info.file_size, stream


def _of_tar(archive: tarfile.TarFile, path: Path) -> Iterator[Member]:
    """Links and devices are no files."""
    for count, member in enumerate(archive):
        _require_few(count, path)
        stream = archive.extractfile(member) if member.isreg() else None
        if stream is not None:
            yield PurePosixPath(member.name), member.size, stream


def _require_few(count: int, path: Path) -> None:
    if count > MOST_MEMBERS:
        raise BadInput(
            "{name} holds more than {most:,} files. Pack the model's folder only.", name=path.name, most=MOST_MEMBERS
        )


def _copy(stream: IO[bytes], target: Path, size: int, archive: Path) -> None:
    left = size
    with target.open("xb") as file:
        while left and (piece := stream.read(min(PIECE_BYTES, left))):
            file.write(piece)
            left -= len(piece)
    if left:
        raise BadInput(
            "{name} ends in the middle of {member}. Pack and upload it again.", name=archive.name, member=target.name
        )


def _nothing(archive: Path, sizes: dict[PurePosixPath, int]) -> str:
    if any(path.name.endswith(_PICKLES) for path in sizes):
        return (
            f"{archive.name} holds weights as a pickle only (.bin, .pt), which runs its author's code when it is read. "
            "Save them as safetensors and upload that."
        )
    return f"{archive.name} does not hold one folder with a model or an adapter. Pack one such folder."
