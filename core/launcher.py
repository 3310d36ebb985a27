"""Starts attempts, and signals them only with proof of who they are."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from core.crashpoints import reach
from core.devices import CPU
from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE, ProcessIdentity, has_token
from storage.run_folder import Attempt, RunFolder

#: A shorter one cannot be one of ours, and might match by accident.
LEAST_TOKEN = 16
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


def launch(folder: RunFolder, number: int, token: str, devices: tuple[str, ...] = (CPU,)) -> subprocess.Popen[bytes]:
    """Claim the attempt's folder and start its supervisor in a session of its own; it outlives this process."""
    attempt = folder.attempt(number)
    attempt.claim(token, devices)
    reach("launch: attempt folder written")
    with (attempt.path / "supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "training", str(attempt.path)],
            # From elsewhere the child could import another `storage/`.
            cwd=PROJECT_ROOT,
            env=_environment(folder, token),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
        )
    # Somebody has to collect our child's exit status, or it stays a zombie for as long as we live.
    threading.Thread(target=supervisor.wait, name=f"reap {supervisor.pid}", daemon=True).start()
    return supervisor


def is_alive(attempt: Attempt) -> bool:
    """Whether supervisor or trainer of this very attempt still runs."""
    return any(identity.is_alive for identity in attempt.processes())


def send(attempt: Attempt, number: signal.Signals) -> None:
    """Signal the trainer (never the supervisor, which must live to write `exit.json`)."""
    processes = attempt.processes()
    if len(processes) == 2:
        # A stopped process does not see SIGTERM until it goes on.
        _signal(processes[1], signal.SIGCONT)
        _signal(processes[1], number)


def kill_tree(attempt: Attempt, *, spare_supervisor: bool) -> None:
    """SIGKILL everything that carries the attempt's token, grandchildren in sessions of their own included."""
    processes = attempt.processes()
    kill_all_with(attempt.token(), spare=processes[0].pid if spare_supervisor and processes else 0)


def kill_all_with(token: str, *, spare: int = 0) -> None:
    for pid in _pids_with(token):
        # It may end by itself between our look and our signal.
        with contextlib.suppress(ProcessLookupError):
            if pid != spare:
                _signal(ProcessIdentity.of(pid, token), signal.SIGKILL)


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    """Through a pidfd, which stays with the process that was checked: its pid may be given away in between."""
    if process.pid < 2:
        return
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_alive:
            signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)


def survivors(attempt: Attempt) -> list[int]:
    return list(_pids_with(attempt.token()))


def _pids_with(token: str) -> Iterator[int]:
    if len(token) < LEAST_TOKEN:
        return
    for pid in psutil.pids():
        if pid >= 2 and pid != os.getpid() and has_token(pid, token):
            yield pid


def inherited() -> dict[str, str]:
    """What a child of ours may know of our environment."""
    return {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


def _environment(folder: RunFolder, token: str) -> dict[str, str]:
    return {**inherited(), TOKEN_VARIABLE: token, FOLDER_VARIABLE: str(folder.path)}
