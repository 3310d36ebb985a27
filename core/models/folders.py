"""A model out of a folder of this machine: linked into the store where the volume allows, else copied."""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.child import Progress
from core.errors import BadInput, Cancelled
from core.home import Home
from core.models.admission import Admission, OnProgress, Origin, Work
from core.models.repository import RepositoryFile, choose
from storage import manifest
from storage.files import sha256_of

COPIED_BYTES = 8 * 1024**2
MOST_FILES = 5000
_LICENCE = re.compile(r"^licen[cs]e:\s*([\w.\-]{1,60})\s*$", re.MULTILINE)
#: Where in a README the licence stands, if anywhere.
FRONT_BYTES = 4096


class Folders:
    """All methods may block: not for the event loop."""

    def __init__(self, home: Home, admission: Admission) -> None:
        self._home = home
        self._admission = admission

    def add(
        self,
        folder: Path,
        *,
        origin: Origin | None = None,
        copy: bool = False,
        work: Work | None = None,
        on_progress: OnProgress = lambda _: None,
        is_open: Callable[[Path], bool] = lambda _: True,
    ) -> str:
        """The model's id. `folder` stays as it is, and may go afterwards. Raises StudioError.

        A linked file needs no room, and whoever changes the original in place changes the model too (its checksum then
        says so); `copy` has bytes of its own. `is_open`: which files, links resolved, may be read.
        """
        work = work or Work()
        chosen = choose(files_in(folder), folder.name)
        files = [folder / file.path for file in (*chosen.texts, *chosen.weights)]
        if closed := next((path for path in files if not is_open(path.resolve())), None):
            raise BadInput(
                "{closed} lies outside the folders that may be read. Put the file itself in its place.", closed=closed
            )
        revision = origin.revision if origin else _digest(files, work, on_progress)
        name = folder.name or "model"
        origin = origin or Origin(name, "This machine", name, revision, "folder", licence_in(folder))
        if known := self._admission.revisions(origin.public_id).get(revision):
            return known
        with self._drafting() as partial:
            self._bring(files, partial, copy=copy, work=work, on_progress=on_progress)
            return self._admission.admit(partial, origin, work, on_progress)

    def _bring(self, files: Sequence[Path], into: Path, *, copy: bool, work: Work, on_progress: OnProgress) -> None:
        total = sum(path.stat().st_size for path in files)
        if copy or any(path.stat().st_dev != into.stat().st_dev for path in files):
            self._home.require_free(total, "This model")
        done = 0
        for path in files:
            real = path.resolve()
            for copied in () if not copy and _linked(real, into / path.name) else _copied(real, into / path.name):
                if work.is_cancelled:
                    raise Cancelled("It was stopped.")
                on_progress(Progress("Copying", done + copied, total))
            done += real.stat().st_size

    @contextmanager
    def _drafting(self) -> Iterator[Path]:
        """A folder that becomes a model, or goes. One that a crash leaves is swept away."""
        partial = self._home.models / f".adding-{secrets.token_hex(4)}{manifest.PARTIAL}"
        partial.mkdir(parents=True)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def files_in(folder: Path) -> list[RepositoryFile]:
    """What lies at its top. Raises BadInput where it is no folder."""
    try:
        paths = sorted(folder.iterdir())[:MOST_FILES]
    except OSError as error:
        raise BadInput(
            "{folder} cannot be read ({error}). Name a folder with a model in it.", folder=folder, error=error.strerror
        ) from error
    return [RepositoryFile(path.name, path.stat().st_size) for path in paths if path.is_file()]


def licence_in(folder: Path) -> str:
    """As its README's front matter says; empty where it does not."""
    try:
        with (folder / "README.md").open("rb") as file:
            front = file.read(FRONT_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
    found = _LICENCE.search(front) if front.startswith("---") else None
    return found[1] if found else ""


def _digest(files: Sequence[Path], work: Work, on_progress: OnProgress) -> str:
    """What stands for a commit where there is none: of all bytes that are taken."""
    total, whole = sum(path.stat().st_size for path in files), hashlib.sha256()
    done = 0
    for path in files:
        if work.is_cancelled:
            raise Cancelled("It was stopped.")
        on_progress(Progress("Reading", done, total))
        whole.update(f"{path.name} {sha256_of(path)}\n".encode())
        done += path.stat().st_size
    return whole.hexdigest()


def _linked(source: Path, target: Path) -> bool:
    """Not across volumes, and not to other people's files."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _copied(source: Path, target: Path) -> Iterator[int]:
    """Copies while it is iterated; how many bytes so far."""
    done = 0
    with source.open("rb") as reading, target.open("wb") as writing:
        while piece := reading.read(COPIED_BYTES):
            writing.write(piece)
            done += len(piece)
            yield done
