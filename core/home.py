"""The data folder: where everything lives, and the lock that lets one server serve it."""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs

from core.errors import BadHome, BadInput, Taken
from core.mounts import TABLE, network_filesystem
from core.sentence import Sentence
from storage.files import read_json, write_json

#: Writing stops well before the disk is full, so that the database and the logs can still be written.
DISK_FLOOR_BYTES = 200 * 1024**2
HOME_VARIABLE = "TUNESMITH_HOME"
BALLAST_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Home:
    """`floor_bytes` of the volume always stay free; `ballast_bytes` are held for when they did not.

    `mounts` is the table that says on what kind of file system the folder lies.
    """

    path: Path
    floor_bytes: int = DISK_FLOOR_BYTES
    ballast_bytes: int = BALLAST_BYTES
    mounts: Path = TABLE

    @property
    def database(self) -> Path:
        return self.path / "tunesmith.db"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def adapters(self) -> Path:
        """Those that people brought; what jobs made lies in their runs."""
        return self.path / "adapters"

    @property
    def datasets(self) -> Path:
        return self.path / "datasets"

    @property
    def uploads(self) -> Path:
        return self.path / "uploads"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def deployments(self) -> Path:
        return self.path / "deployments"

    @property
    def presets(self) -> Path:
        """Made with the first one."""
        return self.path / "presets"

    @property
    def workers(self) -> Path:
        """A folder for each serving worker; of no use once its process is gone."""
        return self.path / "workers"

    @property
    def served(self) -> Path:
        """What serving workers make of models and adapters, and can make again."""
        return self.path / "cache" / "serving"

    @property
    def trash(self) -> Path:
        return self.path / ".trash"

    @property
    def inbox(self) -> Path:
        return self.path / "inbox"

    @classmethod
    def locate(cls, asked: Path | None) -> "Home":
        """`--data-dir`, else TUNESMITH_HOME, else the platform's own place for application data."""
        chosen = asked or os.environ.get(HOME_VARIABLE) or platformdirs.user_data_path("tunesmith")
        return cls(Path(chosen).expanduser().absolute())

    @property
    def is_usual(self) -> bool:
        """Whether a command finds this folder without being told."""
        return self.path == platformdirs.user_data_path("tunesmith")

    def prepare(self) -> None:
        """Make the folders and prove that they can be written. Raises BadHome with the path and the reason."""
        try:
            for folder in (
                self.path,
                self.runs,
                self.models,
                self.adapters,
                self.datasets,
                self.uploads,
                self.deployments,
                self.workers,
                self.backups,
                self.trash,
                self.inbox,
            ):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.path / f".probe-{uuid.uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise BadHome(
                f"The data folder {self.path} cannot be written ({error.strerror}). "
                "Choose another with --data-dir or TUNESMITH_HOME, or mend its permissions."
            ) from error

    def network_filesystem(self) -> str:
        """Its name (“nfs4”) where the folder lies on one; else empty."""
        return network_filesystem(self.path, self.mounts)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free

    def shortage(self) -> str:
        """What is missing, as a sentence; empty while the floor is free. Cheap: one look at the volume."""
        free = self.free_bytes()
        if free >= self.floor_bytes:
            return ""
        return Sentence(
            "The disk is short: {free} MB are free where {path} lies, and {least} MB must stay free. Nothing new "
            "starts "
            "and running jobs are paused until there is more.",
            free=_mb(free),
            path=self.path,
            least=_mb(self.floor_bytes),
        )

    def require_free(self, needed_bytes: int, what: str) -> None:
        """Raises BadInput where `needed_bytes` and the floor do not fit on the volume."""
        free = self.free_bytes()
        if free < needed_bytes + self.floor_bytes:
            raise BadInput(
                f"{what} needs about {_mb(needed_bytes)} MB (estimate) and {_mb(self.floor_bytes)} MB must stay "
                f"free, but {self.path} has {_mb(free)} MB. Free some space or choose another volume with --data-dir."
            )

    def lock(self, url: str) -> filelock.BaseFileLock:
        """Claim the folder for this process until it ends. Raises Taken naming who holds it."""
        lock = filelock.FileLock(self.path / "studio.lock")
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise Taken(self._held_by()) from error
        write_json(self.path / "studio.json", {"pid": os.getpid(), "url": url})
        return lock

    def is_served(self) -> bool:
        """Whether another process holds the folder right now."""
        lock = filelock.FileLock(self.path / "studio.lock")
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return True
        lock.release()
        return False

    def server_pid(self) -> int:
        """The process that serves the folder right now, 0 where none does."""
        pid = (read_json(self.path / "studio.json") or {}).get("pid") if self.is_served() else 0
        return pid if isinstance(pid, int) else 0

    def server_url(self) -> str:
        """Where the studio that serves the folder right now answers; empty where none does."""
        url = (read_json(self.path / "studio.json") or {}).get("url") if self.is_served() else ""
        return url if isinstance(url, str) else ""

    def _held_by(self) -> str:
        holder = read_json(self.path / "studio.json") or {}
        where = holder.get("url") or "the command line"
        return (
            f"The data folder {self.path} is already served by process {holder.get('pid', '?')} ({where}). "
            "Open it there, stop it, or choose another folder with --data-dir."
        )


def _mb(size_bytes: int) -> int:
    return round(size_bytes / 1024**2)
