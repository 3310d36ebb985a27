"""Starts attempts, and signals them only with proof of who they are."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from core.crashpoints import reach
from storage.process import TOKEN_VARIABLE, has_token
from storage.run_folder import Attempt, RunFolder

PROJECT_ROOT = Path(__file__).parents[1]
#: What a trainer may inherit. Everything else stays here: tokens and keys above all.
_INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "HF_HOME",
    "SSL_CERT_FILE",
)
_INHERITED_PREFIXES = ("TUNESMITH_SIMULATED_", "LC_", "CUDA_", "NVIDIA_", "NCCL_", "OMP_", "MKL_")


def launch(folder: RunFolder, number: int, token: str) -> subprocess.Popen[bytes]:
    """Claim the attempt's folder and start its supervisor in a session of its own; it outlives this process."""
    attempt = folder.attempt(number)
    attempt.claim(token)
    reach("launch: attempt folder written")
    with (attempt.path / "supervisor.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "training", str(attempt.path)],
            # From elsewhere the child could import another `storage/`.
            cwd=PROJECT_ROOT,
            env=_environment(token),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
        )


def is_alive(attempt: Attempt) -> bool:
    """Whether supervisor or trainer of this very attempt still runs."""
    return any(identity.is_alive for identity in attempt.processes())


def send(attempt: Attempt, number: signal.Signals) -> None:
    """Signal the trainer (never the supervisor, which must live to write `exit.json`)."""
    processes = attempt.processes()
    if len(processes) == 2 and processes[1].is_alive:
        # A stopped process does not see SIGTERM until it goes on.
        os.kill(processes[1].pid, signal.SIGCONT)
        os.kill(processes[1].pid, number)


def kill_tree(attempt: Attempt, *, spare_supervisor: bool) -> None:
    """SIGKILL everything that carries the attempt's token, grandchildren in sessions of their own included."""
    processes = attempt.processes()
    spared = {processes[0].pid} if spare_supervisor and processes else set()
    for pid in _pids_with(attempt.token()):
        if pid not in spared and pid >= 2:
            os.kill(pid, signal.SIGKILL)


def survivors(attempt: Attempt) -> list[int]:
    return list(_pids_with(attempt.token()))


def _pids_with(token: str) -> Iterator[int]:
    if len(token) < 16:
        return
    for pid in psutil.pids():
        if pid != os.getpid() and has_token(pid, token):
            yield pid


def _environment(token: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    return {**kept, TOKEN_VARIABLE: token}
