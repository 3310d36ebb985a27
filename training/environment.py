"""The trainer's environment variables: what has to be decided before Python and torch start."""

import ctypes.util
import os
from pathlib import Path
from typing import Any

from storage.process import SIMULATION_VARIABLE

#: Never to the network by itself, never a progress bar, and threads that sleep while they wait: spinning ones
#: take the cores away from the pages.
FIXED = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "warning",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "USE_HUB_KERNELS": "0",
    "WANDB_MODE": "disabled",
    "WANDB_DISABLED": "true",
}

#: Debian and Fedora name it so; found by name only where the development package is installed.
TCMALLOC_PATHS = (
    "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    "/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4",
    "/usr/lib64/libtcmalloc_minimal.so.4",
)

#: The second best: glibc's allocator told to keep large temporaries instead of returning them to the kernel.
GLIBC_TUNING = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


def trainer_environment(compute: dict[str, Any], devices: list[str]) -> dict[str, str]:
    """Ours, over the one we were started with. `compute` is that part of the spec and `devices` are the UUIDs of the
    claim, both as plain JSON."""
    on_gpus = compute.get("device", "cpu") != "cpu" and not gpus_are_simulated()
    chosen = {
        "CUDA_VISIBLE_DEVICES": ",".join(devices) if on_gpus else "",
        "OMP_NUM_THREADS": str(compute.get("threads", 1)),
        "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "1"),
    }
    return {**os.environ, **FIXED, **chosen, **allocator()}


def gpus_are_simulated() -> bool:
    """The studio was started with a file of simulated GPUs: what is placed on them runs on the processor."""
    return bool(os.environ.get(SIMULATION_VARIABLE))


def allocator() -> dict[str, str]:
    """Page faults of large temporaries cost a third of a CPU step under glibc's default settings."""
    named = ctypes.util.find_library("tcmalloc_minimal")
    found = named or next((path for path in TCMALLOC_PATHS if Path(path).exists()), None)
    if found is None:
        return GLIBC_TUNING
    return {"LD_PRELOAD": ":".join(filter(None, (found, os.environ.get("LD_PRELOAD"))))}
