"""Downloads of models: any number of pages look at them, a cut or a restart loses nothing, one process does each.

models/.downloads/<owner--name>/download.json    what was asked, and how much that is
models/.downloads/<owner--name>/files/           what has arrived; a file that is on its way ends in .part
models/.downloads/<owner--name>.lock             held by the process that fetches
"""

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import filelock

from core.child import Progress
from core.errors import Cancelled, Conflict, StudioError
from core.home import Home
from core.hub import HubAccess, require_name
from core.models.admission import Admission, OnProgress, Origin, Work
from core.models.hub import CHILD
from storage.child_process import Json
from storage.files import bytes_of, read_json, write_json

NEWEST = "main"
#: Longer than a look takes, shorter than a person waits.
PATIENCE_S = 2.0
State = Literal["running", "elsewhere", "stopped", "failed"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Download:
    """One model on its way, in this process. `model_id` is set once it has arrived, `problem` where it does not."""

    name: str
    revision: str
    work: Work = field(default_factory=Work)
    model_id: str = ""
    problem: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    def cancel(self) -> None:
        """What has arrived stays, to be gone on with."""
        self.work.cancel()


@dataclass(frozen=True, slots=True)
class Look:
    """A download as a page shows it. `elsewhere`: a command does it; `stopped`: it can be gone on with."""

    name: str
    revision: str
    state: State
    progress: Progress
    problem: str = ""


class Downloads:
    """`on_change` is called, from any thread, when one begins or is over."""

    def __init__(self, home: Home, access: HubAccess, admission: Admission) -> None:
        self._home = home
        self._access = access
        self._admission = admission
        self._folder = home.models / ".downloads"
        self._live: dict[str, Download] = {}
        self._lock = threading.Lock()

    def start(self, name: str, revision: str = NEWEST) -> Download:
        """In a thread of its own, unless it is under way. Raises BadInput for what is no name."""
        download, is_new = self._enter(name, revision)
        if is_new:
            run = threading.Thread(target=self._run_quietly, args=(download,), name=f"fetch {name}", daemon=True)
            run.start()
        return download

    def fetch(self, name: str, revision: str = NEWEST, on_progress: OnProgress = lambda _: None) -> str:
        """Here and now: the model's id. Raises StudioError."""
        download, is_new = self._enter(name, revision)
        if not is_new:
            raise Conflict("{name} is being fetched already.", name=name)
        return self._run(download, on_progress)

    def all(self) -> list[Look]:
        """What is under way, and what was left of earlier ones. May block for a moment."""
        found = {}
        for path in sorted(self._folder.glob("*/download.json")):
            state = read_json(path) or {}
            name, total = str(state.get("model", "")), state.get("total")
            if name:
                progress = Progress("Downloading", _arrived(path.parent), total if type(total) is int else 0)
                kind: State = "elsewhere" if self._is_held(name) else "stopped"
                found[name] = Look(name, str(state.get("revision", NEWEST)), kind, progress)
        for name, live in list(self._live.items()):
            before = found.pop(name, None)
            if not live.is_over:
                found[name] = Look(name, live.revision, "running", live.work.progress)
            elif live.problem:
                progress = before.progress if before else Progress()
                found[name] = Look(name, live.revision, "failed", progress, live.problem)
            elif before:
                found[name] = before
        return sorted(found.values(), key=lambda look: look.name.lower())

    def cancel(self, name: str) -> None:
        if download := self._live.get(name):
            download.cancel()

    def discard(self, name: str) -> None:
        """Forget what has arrived. Raises Conflict while it is being fetched."""
        require_name(name, "model")
        with self._held(name):
            shutil.rmtree(self._place(name), ignore_errors=True)
        self._live.pop(name, None)

    def stop(self) -> None:
        for download in list(self._live.values()):
            download.cancel()

    def _enter(self, name: str, revision: str) -> tuple[Download, bool]:
        require_name(name, "model")
        with self._lock:
            known = self._live.get(name)
            if known and not known.is_over:
                return known, False
            download = self._live[name] = Download(name, revision or NEWEST)
        return download, True

    def _run_quietly(self, download: Download) -> None:
        try:
            self._run(download)
        except Cancelled:
            pass
        except StudioError as error:
            download.problem = str(error)
        except OSError as error:
            log.exception("%s could not be fetched.", download.name)
            download.problem = f"{download.name} could not be fetched ({error.strerror or error}). Try again."
        finally:
            if not (download.is_over or download.problem or download.work.is_cancelled):
                download.problem = f"The download of {download.name} ended unexpectedly. The server's log says why."
            download.ended.set()

    def _run(self, download: Download, on_progress: OnProgress = lambda _: None) -> str:
        try:
            with self._held(download.name):
                download.model_id = self._bring(download, on_progress)
        finally:
            download.ended.set()
        return download.model_id

    def _bring(self, download: Download, on_progress: OnProgress) -> str:
        name, folder = download.name, self._place(download.name)
        folder.mkdir(parents=True, exist_ok=True)
        before = read_json(folder / "download.json") or {}
        write_json(folder / "download.json", {**before, "model": name, "revision": download.revision})
        room = max(0, self._home.free_bytes() - self._home.floor_bytes)
        request: Json = {
            "do": "fetch",
            "model": name,
            "revision": download.revision,
            "folder": str(folder),
            "room": room,
        }
        have = self._admission.revisions(name)
        request["have"] = have
        try:
            told = download.work.run(CHILD, request, self._access.environment(), on_progress)
        except StudioError:
            if not _arrived(folder):  # nothing to go on with
                shutil.rmtree(folder, ignore_errors=True)
            raise
        owner, _, short = name.rpartition("/")
        origin = Origin(
            name=short,
            provider=owner or "Hugging Face",
            public_id=name,
            revision=str(told["commit"]),
            source="hub",
            licence=str(told["licence"]),
        )
        model_id = have.get(origin.revision, "")
        if not model_id:
            model_id = self._admission.admit(folder / "files", origin, download.work, on_progress)
        shutil.rmtree(folder, ignore_errors=True)
        return model_id

    def _place(self, name: str) -> Path:
        return self._folder / name.replace("/", "--")

    def _is_held(self, name: str) -> bool:
        try:
            with self._held(name, patience_s=0):
                return False
        except Conflict:
            return True

    @contextmanager
    def _held(self, name: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
        """No second process fetches it, or throws it away. Whoever only looks holds it for a moment, too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(f"{self._place(name)}.lock")
        try:
            lock.acquire(timeout=patience_s)
        except filelock.Timeout as error:
            raise Conflict("{name} is being fetched right now. Wait for it, or stop it first.", name=name) from error
        try:
            yield
        finally:
            lock.release()


def _arrived(folder: Path) -> int:
    return bytes_of(folder / "files")
