"""The run folder: the one meeting place of server and trainer. The layout is drawn in ARCHITECTURE.md."""

import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from storage import manifest
from storage.files import read_json, write_atomic, write_json
from storage.process import ProcessIdentity
from storage.spec import RunSpec
from storage.status import Cause


class Request(StrEnum):
    """What the server may ask of a live attempt, through `control.json`."""

    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """`exit.json`: how the trainer ended, as only its parent can know."""

    returncode: int | None
    signal: int | None
    token: str
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a run: `attempts/<n>/`."""

    path: Path

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def heartbeat(self) -> Path:
        return self.path / "heartbeat"

    @property
    def stdout(self) -> Path:
        return self.path / "stdout.log"

    @property
    def stderr(self) -> Path:
        return self.path / "stderr.log"

    @property
    def number(self) -> int:
        return int(self.path.name)

    def claim(self, token: str, devices: tuple[str, ...] = ("cpu",)) -> None:
        """`devices` are the UUIDs that the scheduler has leased for it, or "cpu"."""
        self.path.mkdir(parents=True)
        write_json(self.path / "claim.json", {"attempt": self.number, "token": token, "devices": list(devices)})

    def devices(self) -> tuple[str, ...]:
        return tuple(map(str, (read_json(self.path / "claim.json") or {}).get("devices", ())))

    def token(self) -> str:
        return str((read_json(self.path / "claim.json") or {}).get("token", ""))

    def processes(self) -> tuple[ProcessIdentity, ...]:
        """Supervisor and trainer as recorded, or nothing where the supervisor has not written yet."""
        recorded = read_json(self.path / "proc.json") or {}
        found = (ProcessIdentity.from_json(recorded.get(role) or {}) for role in ("supervisor", "trainer"))
        return tuple(identity for identity in found if identity)

    def request(self, what: Request) -> None:
        write_json(self.path / "control.json", {"request": what.value, "token": self.token()})

    def requested(self) -> Request | None:
        """The pending request. One that carries another attempt's token is not for us."""
        control = read_json(self.path / "control.json")
        if control is None or control.get("token") != self.token():
            return None
        return Request(control["request"]) if control.get("request") in set(Request) else None

    def exit(self) -> Exit | None:
        found = read_json(self.path / "exit.json")
        if found is None or found.get("token") != self.token():
            return None
        cause = found.get("cause")
        return Exit(
            returncode=found.get("returncode"),
            signal=found.get("signal"),
            token=found["token"],
            cause=Cause(cause) if cause in set(Cause) else None,
        )


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Everything of a run: `runs/<job id>/`."""

    path: Path

    @property
    def job_id(self) -> str:
        return self.path.name

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @classmethod
    def create(cls, runs: Path, spec: RunSpec) -> "RunFolder":
        """The folder with its `spec.json`. FileExistsError where the job id is taken."""
        folder = cls(runs / spec.job_id)
        folder.path.mkdir(mode=0o700)
        try:
            (folder.path / "attempts").mkdir()
            folder.checkpoints.mkdir()
            write_atomic(folder.path / "spec.json", spec.model_dump_json(indent=1).encode())
        except OSError:
            # On a full disk: half a folder would keep the job's id for ever.
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return folder

    def spec(self) -> RunSpec:
        return RunSpec.model_validate_json((self.path / "spec.json").read_bytes())

    def attempt(self, number: int) -> Attempt:
        return Attempt(self.path / "attempts" / str(number))

    def attempts(self) -> list[Attempt]:
        folders = (self.path / "attempts").glob("[0-9]*")
        return sorted((Attempt(path) for path in folders), key=lambda attempt: attempt.number)

    def has_output(self) -> bool:
        return manifest.is_sealed(self.output)

    def has_checkpoint(self) -> bool:
        """Whether a sealed one is there. Cheap; the trainer checks every byte before it goes on from it."""
        return any(manifest.is_sealed(folder) for folder in self.checkpoints.glob("step-[0-9]*"))
