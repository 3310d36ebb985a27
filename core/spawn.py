"""Starts a supervisor in a session of its own: the server's way and the runner's. Standard library only."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from storage.spare import RESERVED

#: In the data folder.
SPARE_FOLDER = "spare"
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
    "TUNESMITH_ALLOW_PYTHON_GRADERS",
)
#: What a run is told besides whose grader asks another model: that model's address, and the key that opens it.
GRADER_VARIABLES = ("TUNESMITH_GRADER_KEY", "OPENAI_API_KEY", "TUNESMITH_GRADER_URL", "OPENAI_BASE_URL")
_INHERITED_PREFIXES = ("TUNESMITH_SIMULATED_", "LC_", "CUDA_", "NVIDIA_", "NCCL_", "GLOO_", "OMP_", "MKL_")


def spawn(attempt: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The supervisor of a claimed attempt; it outlives this process. FileExistsError where it was started before."""
    with (attempt / "supervisor.log").open("xb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "training", str(attempt)],
            # From elsewhere the child could import another `storage/`.
            cwd=PROJECT_ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
        )
    # Somebody has to collect our child's exit status, or it stays a zombie for as long as we live.
    threading.Thread(target=supervisor.wait, name=f"reap {supervisor.pid}", daemon=True).start()
    return supervisor


def spawn_spare(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A supervisor without an attempt, its trainer's imports done, for the server that listens in `folder`."""
    with (folder / "spare.log").open("wb") as log:
        spare = subprocess.Popen(
            [sys.executable, "-m", "training.spare", str(folder)],
            cwd=PROJECT_ROOT,
            env={name: value for name, value in environment.items() if may_inherit(name)} | RESERVED,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
        )
    threading.Thread(target=spare.wait, name=f"reap {spare.pid}", daemon=True).start()
    return spare


def inherited() -> dict[str, str]:
    """What a child of ours may know of our environment."""
    return {name: value for name, value in os.environ.items() if may_inherit(name)}


def grader_variables() -> dict[str, str]:
    """Only for a trainer that has to ask a grader's model."""
    return {name: value for name in GRADER_VARIABLES if (value := os.environ.get(name))}


def may_be_told(name: str) -> bool:
    """Of what the server asks the runner to hand on."""
    return may_inherit(name) or name in GRADER_VARIABLES


def may_inherit(name: str) -> bool:
    return name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
