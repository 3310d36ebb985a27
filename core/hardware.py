"""What this machine has: processors, memory, GPUs by UUID."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    uuid: str
    name: str
    memory_bytes: int
    free_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    cores: int
    memory_bytes: int
    available_bytes: int
    fast_bfloat16: bool
    gpus: tuple[Gpu, ...]


def look() -> Hardware:
    """Measure now. A machine without NVIDIA's driver simply has no GPUs."""
    memory = psutil.virtual_memory()
    return Hardware(
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=memory.total,
        available_bytes=memory.available,
        fast_bfloat16=_has_bfloat16(),
        gpus=tuple(_gpus()),
    )


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is slower than float32."""
    with contextlib.suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text()
        return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", "avx_ne_convert", " bf16"))
    return False


def _gpus() -> Iterator[Gpu]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            yield Gpu(
                uuid=pynvml.nvmlDeviceGetUUID(handle),
                name=pynvml.nvmlDeviceGetName(handle),
                memory_bytes=int(memory.total),
                free_bytes=int(memory.free),
            )
    finally:
        pynvml.nvmlShutdown()
