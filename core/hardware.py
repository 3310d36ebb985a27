"""What this machine has: processors, memory, GPUs by UUID."""

import contextlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from core.devices import CPU, Device, Devices, DevicesUnreadable, find_devices, processor
from core.turbo import BITSANDBYTES, PACKAGES


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """`gpu_error` is what the driver said where it could not tell which GPUs there are.

    `packages`: those of `core.turbo.PACKAGES` that are installed.
    """

    cores: int
    memory_bytes: int
    available_bytes: int
    fast_bfloat16: bool
    gpus: tuple[Device, ...]
    gpu_error: str = ""
    packages: frozenset[str] = frozenset({BITSANDBYTES})

    @property
    def quantises(self) -> bool:
        """Whether weights can be held in 4 and 8 bits, on the processor too."""
        return BITSANDBYTES in self.packages


def look(devices: Devices | None = None) -> Hardware:
    """Measure now. A machine without NVIDIA's driver simply has no GPUs."""
    gpu_error = ""
    try:
        seen = (devices or find_devices()).look()
    except DevicesUnreadable as error:
        seen, gpu_error = (processor(),), str(error)
    host = next(device for device in seen if device.kind == CPU)
    return Hardware(
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=host.memory_bytes,
        available_bytes=host.free_bytes,
        fast_bfloat16=_has_bfloat16(),
        gpus=tuple(device for device in seen if device.kind != CPU),
        gpu_error=gpu_error,
        # Looked for, not imported: they would bring torch.
        packages=frozenset(name for name in PACKAGES if importlib.util.find_spec(name)),
    )


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is slower than float32."""
    with contextlib.suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text()
        return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", "avx_ne_convert", " bf16"))
    return False
