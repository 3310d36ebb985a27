"""Who a process is, beyond its number: a PID alone may by now belong to somebody else.

Standard library only; reads Linux's /proc. The supervisor writes this about itself and the trainer, the server
compares before it ever sends a signal.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN_VARIABLE = "TUNESMITH_ATTEMPT_TOKEN"
#: Beside the token, so that a process whose attempt is forgotten still says which data folder it belongs to.
FOLDER_VARIABLE = "TUNESMITH_RUN_FOLDER"
#: A JSON file of simulated GPUs; server and trainer both have to know.
SIMULATION_VARIABLE = "TUNESMITH_SIMULATED_GPUS"
#: A shorter one cannot be one of ours, and might match by accident.
LEAST_TOKEN = 16
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessIdentity:
    """`start_ticks` counts clock ticks since boot, so it cannot repeat for the same pid within one `boot_id`."""

    pid: int
    start_ticks: int
    boot_id: str
    token: str

    @classmethod
    def of(cls, pid: int, token: str) -> "ProcessIdentity":
        """Raises ProcessLookupError where there is no such process."""
        ticks = start_ticks(pid)
        if ticks is None:
            raise ProcessLookupError(pid)
        return cls(pid=pid, start_ticks=ticks, boot_id=boot_id(), token=token)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ProcessIdentity | None":
        try:
            return cls(
                pid=int(value["pid"]),
                start_ticks=int(value["start_ticks"]),
                boot_id=str(value["boot_id"]),
                token=str(value["token"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> dict[str, Any]:
        return {
            "pid": self.pid,
            "start_ticks": self.start_ticks,
            "boot_id": self.boot_id,
            "token": self.token,
        }

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs: same boot, same start, our token in its environment."""
        return (
            self.pid >= 2
            and len(self.token) >= LEAST_TOKEN
            and self.boot_id == boot_id()
            and self.start_ticks == start_ticks(self.pid)
            and has_token(self.pid, self.token)
        )


def log_name(stream: str, rank: int = 0) -> str:
    """`stderr.log` of an attempt's first process, `stderr-1.log` of the one with rank 1."""
    return f"{stream}-{rank}.log" if rank else f"{stream}.log"


def boot_id() -> str:
    return _BOOT_ID.read_text().strip()


def start_ticks(pid: int) -> int | None:
    """Start of the process in ticks since boot; None where it is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def is_stopped(pid: int) -> bool:
    """Whether somebody has sent it SIGSTOP (or traces it): it lives and does nothing."""
    fields = _stat(pid)
    return fields is not None and fields[0] in "Tt"


def _stat(pid: int) -> list[str] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold spaces and parentheses: fields are counted from the last one.
    return stat[stat.rfind(")") + 2 :].split()


def has_token(pid: int, token: str) -> bool:
    return environment(pid).get(TOKEN_VARIABLE) == token


def environment(pid: int) -> dict[str, str]:
    """What the process was started with; nothing where it is gone or somebody else's."""
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    pairs = (entry.decode(errors="replace").partition("=") for entry in content.split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}


def service_of(pid: int) -> str:
    """The systemd service whose control group the process is in; empty where it is in none."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    names = (line.rpartition("/")[2] for line in groups.splitlines())
    return next((name for name in names if name.endswith(".service")), "")
