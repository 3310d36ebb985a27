"""What a job can run on: GPUs by UUID, and the one slot of the processor.

`NvmlDevices` asks NVIDIA's driver. `SimulatedDevices` is a simulation for machines without a GPU: it reads the GPUs
from a JSON file, so that queueing, strangers and a GPU that vanishes can be tried and tested anywhere.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil
import pynvml

from core.memory import host_memory
from storage.files import read_json
from storage.process import SIMULATION_VARIABLE

CPU = "cpu"
GB = 10**9
#: The driver is not asked more often than this, however many pages look.
FRESH_S = 1.0


class DevicesUnreadable(Exception):
    """The driver answers nothing at all. Says nothing about the GPUs: what runs on them may well go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceProcess:
    """A program that computes on a GPU. `memory_bytes` is 0 where the driver does not tell."""

    pid: int
    user: str
    memory_bytes: int

    def __str__(self) -> str:
        used = f"{self.memory_bytes / GB:.0f} GB " if self.memory_bytes else ""
        return f"{used}used by pid {self.pid} ({self.user})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """`index` is for people only; everything else goes by `uuid`. `busy` is the share of time, 0 to 1, in which it
    computed lately; None where nobody can say."""

    uuid: str
    name: str
    memory_bytes: int
    free_bytes: int
    processes: tuple[DeviceProcess, ...] = ()
    index: int = 0
    #: Never the same twice, so two looks at an unchanged device still compare equal.
    busy: float | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        return CPU if self.uuid == CPU else "cuda"

    @property
    def label(self) -> str:
        return "this machine's processor" if self.uuid == CPU else f"GPU {self.index}"


class Devices(Protocol):
    def look(self) -> tuple[Device, ...]:
        """The healthy GPUs now, then the processor. Raises DevicesUnreadable."""


class NvmlDevices:
    """NVIDIA's GPUs. A machine without the driver has none."""

    def __init__(self) -> None:
        self._seen: tuple[Device, ...] = ()
        self._looked_at = float("-inf")

    def look(self) -> tuple[Device, ...]:
        if time.monotonic() - self._looked_at > FRESH_S:
            self._seen = (*_nvml_gpus(), processor())
            self._looked_at = time.monotonic()
        return self._seen


class SimulatedDevices:
    """A simulation: the machine that a JSON file describes. Read at every look, so that it may change meanwhile.

    {"gpus": [{"uuid": "GPU-a", "name": "Simulated", "memory_gb": 24, "lost": false,
               "processes": [{"pid": 812, "user": "bob", "memory_gb": 14}]}],
     "processor": {"memory_gb": 16, "free_gb": 1.2},
     "error": ""}

    Without "processor" the memory is this machine's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> tuple[Device, ...]:
        content = read_json(self._path)
        if content is None:
            raise DevicesUnreadable(f"{self._path} holds no JSON object")
        if content.get("error"):
            raise DevicesUnreadable(str(content["error"]))
        numbered = enumerate(content.get("gpus", ()))
        gpus = (_simulated(index, gpu) for index, gpu in numbered if not gpu.get("lost"))
        return (*gpus, _simulated_processor(content.get("processor")))


def find_devices() -> Devices:
    """This machine's, or the simulation that the environment names."""
    simulation = os.environ.get(SIMULATION_VARIABLE)
    return SimulatedDevices(Path(simulation)) if simulation else NvmlDevices()


def processor() -> Device:
    """One slot: two trainings on the same cores would only slow each other down."""
    memory = host_memory()
    return Device(uuid=CPU, name="Processor", memory_bytes=memory.total_bytes, free_bytes=memory.free_bytes)


def _simulated_processor(described: dict[str, Any] | None) -> Device:
    if described is None:
        return processor()
    memory_bytes, free_bytes = (int(float(described[name]) * GB) for name in ("memory_gb", "free_gb"))
    return Device(uuid=CPU, name="Simulated processor", memory_bytes=memory_bytes, free_bytes=free_bytes)


def _simulated(index: int, gpu: dict[str, Any]) -> Device:
    memory_bytes = int(float(gpu.get("memory_gb", 24)) * GB)
    processes = tuple(
        DeviceProcess(pid=int(p["pid"]), user=str(p["user"]), memory_bytes=int(float(p["memory_gb"]) * GB))
        for p in gpu.get("processes", ())
    )
    return Device(
        uuid=str(gpu["uuid"]),
        name=str(gpu.get("name", "Simulated GPU")),
        memory_bytes=memory_bytes,
        free_bytes=max(0, memory_bytes - sum(process.memory_bytes for process in processes)),
        processes=processes,
        index=index,
        busy=gpu.get("busy"),
    )


def _nvml_gpus() -> Iterator[Device]:
    """GPUs that answer; one that is lost is left out."""
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded, pynvml.NVMLError_NoPermission):
        return
    except pynvml.NVMLError as error:
        # Above all "driver/library version mismatch" after an update: programs that compute already go on.
        raise DevicesUnreadable(str(error)) from error
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            try:
                yield _nvml_gpu(index)
            except pynvml.NVMLError:
                continue
    finally:
        pynvml.nvmlShutdown()


def _nvml_gpu(index: int) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    # A desktop draws on the GPU as well; that takes memory but does not make it somebody else's.
    drawing = {process.pid for process in pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle)}
    computing = [p for p in pynvml.nvmlDeviceGetComputeRunningProcesses(handle) if p.pid not in drawing]
    return Device(
        uuid=pynvml.nvmlDeviceGetUUID(handle),
        name=pynvml.nvmlDeviceGetName(handle),
        memory_bytes=int(memory.total),
        free_bytes=int(memory.free),
        processes=tuple(
            DeviceProcess(pid=p.pid, user=_user_of(p.pid), memory_bytes=int(p.usedGpuMemory or 0)) for p in computing
        ),
        index=index,
        busy=_busy(handle),
    )


def _busy(handle: Any) -> float | None:
    with contextlib.suppress(pynvml.NVMLError):  # a slice of a GPU does not tell
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    return None


def _user_of(pid: int) -> str:
    try:
        return psutil.Process(pid).username()
    except psutil.Error:
        return "unknown user"
