"""The run folder: the one meeting place of server and trainer. The layout is drawn in ARCHITECTURE.md."""

import json
import shutil
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from storage import manifest
from storage.events import Failed
from storage.files import read_json, write_atomic, write_json
from storage.methods import Full
from storage.process import ProcessIdentity, log_name
from storage.spec import RunSpec, Way
from storage.status import Cause

PROGRESS = "progress.json"
#: In an output that lies on top of another: that other, whole.
BENEATH = "start"


class Request(StrEnum):
    """What the server may ask of a live attempt, through `control.json`."""

    CANCEL = "cancel"
    PAUSE = "pause"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """`exit.json`: how the trainer ended, as only its parent can know. `rank` is whose end decided it."""

    returncode: int | None
    signal: int | None
    token: str
    cause: Cause | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """`progress.json`: how far something is that takes long between two events. Lost in a crash, and no loss."""

    name: Literal["rollout", "pass", "evaluation"]
    #: The step that is being worked on, or after which is evaluated.
    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a run: `attempts/<n>/`."""

    path: Path

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def rollouts(self) -> Path:
        """Reinforcement: the answers that the model was rewarded for."""
        return self.path / "rollouts.jsonl"

    @property
    def heartbeat(self) -> Path:
        return self.path / "heartbeat"

    @property
    def stderr(self) -> Path:
        return self.stderr_of(0)

    def stderr_of(self, rank: int) -> Path:
        return self.path / log_name("stderr", rank)

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
        """Supervisor and trainer as recorded, or nothing where the supervisor has not written yet.

        After the trainer come those that share its steps on other devices, by their rank.
        """
        recorded = read_json(self.path / "proc.json") or {}
        described = [recorded.get("supervisor"), recorded.get("trainer"), *recorded.get("other_ranks", ())]
        found = (ProcessIdentity.from_json(each or {}) for each in described)
        return tuple(identity for identity in found if identity)

    def leave_word(self, rank: int, failed: Failed) -> None:
        """For the first process, which alone writes events."""
        write_atomic(self.path / f"failed-{rank}.json", failed.model_dump_json().encode())

    def word_left(self) -> Failed | None:
        """Why another process than the first could not go on."""
        for path in sorted(self.path.glob("failed-*.json")):
            found = Failed.model_validate_json(path.read_bytes())
            rank = path.stem.removeprefix("failed-")
            return found.model_copy(update={"evidence": f"Rank {rank}: {found.evidence}"})
        return None

    def request(self, what: Request) -> None:
        write_json(self.path / "control.json", {"request": what.value, "token": self.token()})

    def requested(self) -> Request | None:
        """The pending request. One that carries another attempt's token is not for us."""
        control = read_json(self.path / "control.json")
        if control is None or control.get("token") != self.token():
            return None
        return Request(control["request"]) if control.get("request") in set(Request) else None

    def write_stretch(self, stretch: Stretch | None) -> None:
        path = self.path / PROGRESS
        if stretch is None:
            path.unlink(missing_ok=True)
        else:
            write_atomic(path, json.dumps(asdict(stretch)).encode(), durable=False)

    def stretch(self) -> Stretch | None:
        """What takes long right now; None where nothing does."""
        found = read_json(self.path / PROGRESS) or {}
        name = found.get("name")
        counts = [count for key in ("step", "done", "total") if isinstance(count := found.get(key), int)]
        return Stretch(name, *counts) if name in ("rollout", "pass", "evaluation") and len(counts) == 3 else None

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
            rank=int(found.get("rank", 0)),
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
    def start(self) -> Path:
        """Another run's output that this one begins with; only where `spec.start` is set."""
        return self.path / "start"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def reference(self) -> Path:
        """What the model thought of a preference dataset's answers before it was trained."""
        return self.path / "reference"

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

    def lies_on(self, spec: RunSpec) -> Path | None:
        """What this run began with and without which its adapter means nothing, where there is such a thing."""
        if spec.start is None or isinstance(spec.method, Full):
            return None
        if spec.start.way is not Way.CONTINUE:
            return self.start
        inner = self.start / BENEATH
        return inner if inner.is_dir() else None

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
