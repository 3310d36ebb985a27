"""The trainer's parent: starts it, waits for it, and writes how it ended. Only a parent can know that.

A trainer is one process, or on several devices one on each.

Standard library only, so that it starts in milliseconds and stays small beside the trainer for days.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from storage.files import read_json, write_json
from storage.process import TOKEN_VARIABLE, ProcessIdentity
from training import ranks
from training.environment import trainer_environment

LOG_BYTES = 10_000_000
LOG_CHECK_S = 1.0
NICENESS = 10
#: How long to wait for room on a full disk.
ROOM_PATIENCE_S = 60


def supervise(attempt: Path) -> int:
    """Run the trainer of this attempt to its end; returns our own exit code."""
    survive_signals()
    os.nice(NICENESS)
    token = os.environ.get(TOKEN_VARIABLE, "")
    oom_kills_before = oom_kills()
    processes = start_trainer(attempt)
    record(attempt, token, processes)
    return see_out(attempt, token, processes, oom_kills_before)


def record(attempt: Path, token: str, processes: list[subprocess.Popen[bytes]]) -> None:
    """Who we are: from now on the server knows whom it may signal."""
    trainer, *others = processes
    write_json(
        attempt / "proc.json",
        {
            "supervisor": identity(os.getpid(), token),
            "trainer": identity(trainer.pid, token),
            "other_ranks": [identity(other.pid, token) for other in others],
        },
    )


def see_out(attempt: Path, token: str, processes: list[subprocess.Popen[bytes]], oom_kills_before: int) -> int:
    """Wait for the end and write it down."""
    ended = threading.Event()
    threading.Thread(target=cap_logs, args=(attempt, ended), daemon=True).start()
    ending = ranks.wait(processes)
    ended.set()
    died_of = -ending.status if ending.status < 0 else None
    write_when_possible(
        attempt / "exit.json",
        {
            "returncode": None if died_of else ending.status,
            "signal": died_of,
            "rank": ending.rank,
            "token": token,
            "ended_at": datetime.now(UTC).isoformat(),
            "cause": cause_of(died_of, asked=was_asked(attempt, token), oom_killed=oom_kills() > oom_kills_before),
        },
    )
    return 0


def write_when_possible(path: Path, value: dict[str, object]) -> None:
    """Only we know how it ended, so on a full disk we wait: the server makes room within a second or two."""
    for _ in range(ROOM_PATIENCE_S):
        try:
            return write_json(path, value)
        except OSError:
            time.sleep(1)
    write_json(path, value)


def survive_signals() -> None:
    """Whoever signals the whole group must not keep us from writing `exit.json`.

    A handler that does nothing, not SIG_IGN: exec resets handlers, but the trainer would inherit SIG_IGN.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)


def start_trainer(attempt: Path) -> list[subprocess.Popen[bytes]]:
    """One process a device, the first first."""
    compute = (read_json(attempt.parents[1] / "spec.json") or {}).get("compute", {})
    claim = read_json(attempt / "claim.json") or {}
    return ranks.start(
        [sys.executable, "-m", trainer_module(), str(attempt)],
        attempt,
        trainer_environment(compute, claim.get("devices", [])),
        count=int(compute.get("devices", 1)),
    )


def trainer_module() -> str:
    """The simulated trainer follows the same protocol without a model; only tests and demonstrations ask for it."""
    return "training.simulated" if os.environ.get("TUNESMITH_SIMULATED_TRAINER") else "training.trainer"


def identity(pid: int, token: str) -> dict[str, object] | None:
    try:
        return ProcessIdentity.of(pid, token).to_json()
    except ProcessLookupError:
        return None


def cap_logs(attempt: Path, ended: threading.Event) -> None:
    """Move a full log aside as `.1`, so that each takes 20 MB at most.

    Copied and truncated, not renamed: the trainer goes on writing to the file that it has open (in append mode,
    so from byte 0 again). Lines written between the two are lost; events never pass through here.
    """
    while not ended.wait(LOG_CHECK_S):
        for log in (*attempt.glob("stdout*.log"), *attempt.glob("stderr*.log")):
            if log.stat().st_size > LOG_BYTES:
                with log.open("rb") as full, log.with_name(f"{log.name}.1").open("wb") as aside:
                    full.seek(-LOG_BYTES, os.SEEK_END)
                    shutil.copyfileobj(full, aside)
                os.truncate(log, 0)


def was_asked(attempt: Path, token: str) -> bool:
    """Whether the server asked this attempt to end; then a signal is its ladder, not an accident."""
    return (read_json(attempt / "control.json") or {}).get("token") == token


def cause_of(died_of: int | None, *, asked: bool, oom_killed: bool) -> str | None:
    if died_of == signal.SIGKILL and oom_killed:
        return "oom_host"
    return "killed_externally" if died_of and not asked else None


def oom_kills() -> int:
    """How often the kernel has killed for memory, on this machine and in our control group."""
    group = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2].lstrip("/")
    counters = (Path("/proc/vmstat"), Path("/sys/fs/cgroup") / group / "memory.events")
    return sum(_counter(path, "oom_kill") for path in counters)


def _counter(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(value) for key, _, value in (line.partition(" ") for line in lines) if key == name)
