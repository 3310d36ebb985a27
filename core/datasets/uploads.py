"""Uploads on their way in. What has arrived lies on disk, so a cut connection, or a restart, goes on from there.

uploads/<random id>/upload.json      its name, size and owner
uploads/<random id>/file/<name>      the bytes so far; their number is the offset to go on from
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from core.ballast import Ballast
from core.errors import BadInput, Conflict, DiskFull, NotFound
from core.formats.magic import ZIP, refuse_other_kinds
from core.formats.problems import FileProblem
from core.home import Home
from storage.files import fsync_path, read_json, sha256_of, write_json

DEFAULT_LIMIT_MB = 100
LIMIT_VARIABLE = "TUNESMITH_MAX_UPLOAD_MB"
#: All uploads that wait or are on their way, together, in multiples of the largest one allowed.
QUOTA_FILES = 10
#: How many of a file's first bytes say what it is.
LOOKED_AT = 512
#: An upload that nobody touched for so long is not coming back.
ABANDONED_AFTER_S = 24 * 3600.0
NAME_CHARACTERS = 120
_ID = re.compile(r"[0-9a-f]{32}")


class TooLarge(BadInput):
    """More bytes than allowed, or than were announced."""


class WrongType(BadInput):
    """The first bytes are not those of a dataset."""


class WrongOffset(Conflict):
    """The bytes do not follow those that are there; `offset` is where to go on."""

    def __init__(self, sentence: str, /, offset: int, **values: object) -> None:
        super().__init__(sentence, **values)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Upload:
    """`offset` of `bytes` have arrived. `sha256` is set once it is finished. `is_export`: may be a zip archive."""

    id: str
    name: str
    bytes: int
    path: Path
    owner: str
    sha256: str = ""
    #: Where it came from, if not from a browser.
    source: str = ""
    offset: int = 0
    is_export: bool = False


@dataclass(slots=True)
class _Live:
    """What this process knows beyond the disk: who writes, and the hash of the bytes so far."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    writer: object = None
    digest: Any = field(default_factory=hashlib.sha256)
    hashed: int = 0


class Uploads:
    """`session` names a browser; only the one that began an upload may go on with it."""

    def __init__(self, home: Home, ballast: Ballast, limit_bytes: int | None = None) -> None:
        self._home = home
        self._ballast = ballast
        self.limit_bytes = limit_bytes or _limit()
        self._creating = threading.Lock()
        self._live: dict[str, _Live] = {}

    def create(self, name: str, size: int, session: str, *, is_export: bool = False) -> Upload:
        """Room for `size` bytes. Refused before the first of them where they cannot be kept."""
        if size <= 0:
            raise BadInput("{name} is empty. Choose a file with at least 10 examples.", name=name or "The file")
        if size > self.limit_bytes:
            raise TooLarge(
                "{name} has {size} MB; up to {limit} MB are allowed. Use a smaller or a compressed file (.gz, "
                ".zst), or start the studio with a higher {variable}.",
                name=name,
                size=_mb(size),
                limit=_mb(self.limit_bytes),
                variable=LIMIT_VARIABLE,
            )
        with self._creating, self._ballast.explaining():
            self.sweep()
            self._require_room(name, size)
            upload_id = secrets.token_hex(16)
            folder = self._home.uploads / upload_id
            path = folder / "file" / clean_name(name)
            path.parent.mkdir(parents=True, mode=0o700)
            path.touch(mode=0o600)
            upload = Upload(upload_id, path.name, size, path, _hashed(session), is_export=is_export)
            self._save(upload)
        return upload

    def look(self, upload_id: str, session: str) -> Upload:
        """How far it is. Somebody else's upload is not found."""
        upload = self._load(upload_id)
        if not secrets.compare_digest(upload.owner, _hashed(session)):
            raise _nothing(upload_id)
        return upload

    def receive(self, upload_id: str, session: str, offset: int, sha256: str = "") -> "Chunk":
        """Where the next bytes go: `with uploads.receive(…) as chunk: chunk.write(…)`.

        Whoever asked last may write: a connection that was cut can hang for minutes and must not block its successor.
        """
        upload = self.look(upload_id, session)
        live = self._live.setdefault(upload_id, _Live())
        with live.lock:
            upload = replace(upload, offset=upload.path.stat().st_size)
            if upload.sha256 or offset != upload.offset:
                raise WrongOffset(
                    "{name} has {here} bytes here, so it cannot go on at {asked}. Send the rest from {here}.",
                    upload.offset,
                    name=upload.name,
                    here=upload.offset,
                    asked=offset,
                )
            chunk = Chunk(upload, live, self._home, self._ballast, sha256)
            live.writer = chunk
        return chunk

    def finish(self, upload_id: str, session: str, sha256: str = "") -> Upload:
        """All bytes are here; they match `sha256` where one is given, else the upload is dropped."""
        upload = self.look(upload_id, session)
        if upload.sha256:
            return upload
        if upload.offset != upload.bytes:
            raise WrongOffset(
                "{here} of {size} bytes are here. Send the rest first.",
                upload.offset,
                here=upload.offset,
                size=upload.bytes,
            )
        live = self._live.pop(upload_id, _Live())
        found = live.digest.hexdigest() if live.hashed == upload.bytes else sha256_of(upload.path)
        if sha256 and sha256.lower() != found:
            self._remove(upload_id)
            raise BadInput(
                "{name} arrived damaged (its SHA-256 is {found}). Upload it again.", name=upload.name, found=found
            )
        fsync_path(upload.path)
        upload = replace(upload, sha256=found)
        self._save(upload)
        return upload

    def finished(self, upload_id: str) -> Upload:
        """A whole upload, for whoever was told its id. Raises NotFound where it is not (or no longer) here."""
        upload = self._load(upload_id)
        if not upload.sha256:
            raise _nothing(upload_id)
        return upload

    def store(self, name: str, data: bytes) -> Upload:
        """Rows that somebody typed, as if they had been uploaded."""
        session = secrets.token_hex(16)
        upload = self.create(name, len(data), session)
        with self.receive(upload.id, session, 0) as chunk:
            chunk.write(data)
        return self.finish(upload.id, session)

    def adopt(self, path: Path, name: str, source: str) -> Upload:
        """A file that was fetched to this volume, as if it had been uploaded. It is moved, not copied."""
        upload_id = secrets.token_hex(16)
        kept = self._home.uploads / upload_id / "file" / clean_name(name)
        kept.parent.mkdir(parents=True, mode=0o700)
        size = path.stat().st_size
        upload = Upload(upload_id, kept.name, size, kept, _hashed(secrets.token_hex(16)), sha256_of(path), source, size)
        path.rename(kept)
        self._save(upload)
        return upload

    def drop(self, upload_id: str, session: str) -> None:
        self._remove(self.look(upload_id, session).id)

    def discard(self, upload: Upload) -> None:
        """It has become a dataset, or was not wanted."""
        self._remove(upload.id)

    def sweep(self) -> int:
        """Remove what was abandoned; how many uploads that were."""
        old = [upload for upload in self._all() if _quiet_s(upload) > ABANDONED_AFTER_S]
        for upload in old:
            self._remove(upload.id)
        return len(old)

    def _require_room(self, name: str, size: int) -> None:
        others = list(self._all())
        if sum(upload.bytes for upload in others) + size > QUOTA_FILES * self.limit_bytes:
            raise BadInput(
                "{count} uploads wait to be imported. Import or cancel some of them before you add {name}.",
                count=len(others),
                name=name,
            )
        # Twice: the rows that it becomes lie beside it until the import is done.
        self._home.require_free(2 * size + sum(upload.bytes - upload.offset for upload in others), f"Uploading {name}")

    def _all(self) -> Iterator[Upload]:
        for folder in self._home.uploads.glob("*"):
            with contextlib.suppress(NotFound):
                yield self._load(folder.name)

    def _load(self, upload_id: str) -> Upload:
        folder = self._home.uploads / upload_id
        state = read_json(folder / "upload.json") if _ID.fullmatch(upload_id) else None
        if state is None:
            raise _nothing(upload_id)
        path = folder / "file" / str(state["name"])
        try:
            offset = path.stat().st_size
        except FileNotFoundError as error:
            raise _nothing(upload_id) from error
        return Upload(path=path, id=upload_id, offset=offset, **state)

    def _save(self, upload: Upload) -> None:
        kept = ("name", "bytes", "owner", "sha256", "source", "is_export")
        state = {key: getattr(upload, key) for key in kept}
        write_json(self._home.uploads / upload.id / "upload.json", state)

    def _remove(self, upload_id: str) -> None:
        self._live.pop(upload_id, None)
        folder = self._home.uploads / upload_id
        # Its description first: half-removed it is nobody's upload any more.
        (folder / "upload.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


class Chunk:
    """A stretch of bytes on its way to the disk. What was written stays when the connection ends too early."""

    def __init__(self, upload: Upload, live: _Live, home: Home, ballast: Ballast, sha256: str) -> None:
        self._upload = upload
        self._live = live
        self._home = home
        self._ballast = ballast
        self._promised = sha256.lower()
        self._own = hashlib.sha256()
        self._before = live.digest.copy() if live.hashed == upload.offset else None
        self._file: BinaryIO = upload.path.open("r+b")
        self._file.seek(upload.offset)
        self.offset = upload.offset

    def write(self, data: bytes) -> None:
        """The first bytes of a file must come in one piece of `LOOKED_AT` or more, else they are not kept."""
        upload = self._upload
        if self.offset + len(data) > upload.bytes:
            raise TooLarge(
                "{name} was announced with {size} bytes, and more came. Upload it again.",
                name=upload.name,
                size=upload.bytes,
            )
        if self.offset == 0:
            if len(data) < min(LOOKED_AT, upload.bytes):
                return
            _refuse(upload, data[:LOOKED_AT])
        if shortage := self._home.shortage():
            raise DiskFull(shortage)
        with self._live.lock, self._ballast.explaining():
            if self._live.writer is not self:
                raise WrongOffset("Another connection goes on with {name}.", self.offset, name=self._upload.name)
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        self.offset += len(data)
        self._own.update(data)
        if self._live.hashed == self.offset - len(data):
            self._live.digest.update(data)
            self._live.hashed = self.offset

    def check(self) -> None:
        """The whole chunk is here: it must be what was promised, else it is taken back."""
        if not self._promised or self._own.hexdigest() == self._promised:
            return
        with self._live.lock:
            if self._live.writer is self:
                os.truncate(self._upload.path, self._upload.offset)
                self._live.digest = self._before or hashlib.sha256()
                self._live.hashed = self._upload.offset if self._before else 0
        raise BadInput(
            "A part of {name} arrived damaged. Send it again from {offset}.",
            name=self._upload.name,
            offset=self._upload.offset,
        )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Chunk":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _refuse(upload: Upload, head: bytes) -> None:
    if upload.is_export and head.startswith(ZIP):
        return
    try:
        refuse_other_kinds(head, upload.path)
    except FileProblem as problem:
        raise WrongType(str(problem)) from problem


def clean_name(name: str) -> str:
    """A name to show and to store under: one path component, no control characters, nothing that reverses text."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(character for character in last if unicodedata.category(character)[0] != "C").strip().lstrip(".")
    stem, dot, suffix = kept.rpartition(".")
    if dot and len(suffix) <= 10:
        kept = f"{stem[: NAME_CHARACTERS - 1 - len(suffix)]}.{suffix}"
    while len(kept.encode()) > 2 * NAME_CHARACTERS:
        kept = kept[:-1]
    return kept[:NAME_CHARACTERS] or "dataset"


def _limit() -> int:
    """The largest file, in bytes; the setting is in MB."""
    asked = os.environ.get(LIMIT_VARIABLE, "")
    megabytes = int(asked) if asked.isascii() and asked.isdecimal() and int(asked) > 0 else DEFAULT_LIMIT_MB
    return megabytes * 1024**2


def _quiet_s(upload: Upload) -> float:
    with contextlib.suppress(FileNotFoundError):
        return time.time() - max(upload.path.stat().st_mtime, upload.path.parent.parent.stat().st_mtime)
    return 0.0


def _hashed(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _nothing(upload_id: str) -> NotFound:
    return NotFound(
        "There is no upload {upload_id}. It was cancelled or has expired; choose the file again.",
        upload_id=upload_id[:40],
    )


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.0f}" if size_bytes >= 1024**2 else f"{size_bytes / 1024**2:.2f}"
