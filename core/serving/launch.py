"""What a worker is started with: its threads, its context, its device."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.devices import Device
from core.serving.settings import Settings
from core.serving.targets import Base
from core.serving.worker import Worker
from storage.serving import Engine, WorkerSpec

#: Of a GPU's memory, and of what of it is free now.
MOST_SHARE, FREE_SHARE, LEAST_SHARE = 0.9, 0.97, 0.05
#: Answers that vLLM writes at a time: on a GPU many cost little more than one.
VLLM_SLOTS = 64
COMMAND = (sys.executable, "-m", "serving")


@dataclass(frozen=True, slots=True)
class Launch:
    """`cache` is where workers keep what they make of models; `command` gets the worker's folder appended."""

    cache: Path
    settings: Settings
    command: Sequence[str] = COMMAND

    def start(self, folder: Path, base: Base, gpu: Device | None, on_change: Callable[[Worker], None]) -> Worker:
        self.cache.mkdir(parents=True, exist_ok=True)
        spec = WorkerSpec(
            engine=base.engine,
            model=base.model,
            base_name=base.model.id,
            cache=str(self.cache),
            device=base.device,
            threads=len(os.sched_getaffinity(0)),
            slots=VLLM_SLOTS if base.engine == "vllm" else self.settings.slots,
            bits=self.settings.bits,
            context_length=min(base.model.context_length, self.settings.context_length),
            gpu_share=share_of(gpu) if gpu else MOST_SHARE,
            lora_rank=self.settings.lora_rank,
            vllm_python=self.settings.vllm,
            beneath=base.beneath,
        )
        told = {"CUDA_VISIBLE_DEVICES": visible(gpu, base.engine)} if gpu else {}
        return Worker(folder, spec, on_change, command=self.command, environment=told)


def share_of(gpu: Device) -> float:
    """Of a GPU's memory, what vLLM may take: it refuses to start where less is free than it was told to take."""
    return min(MOST_SHARE, max(gpu.free_bytes * FREE_SHARE / gpu.memory_bytes, LEAST_SHARE))


def visible(gpu: Device, engine: Engine) -> str:
    """vLLM reads the number of a GPU here and fails at a UUID, in most versions (vllm-project/vllm issue 20939)."""
    is_numbered = engine == "vllm" and not gpu.uuid.startswith("MIG-")
    return str(gpu.index) if is_numbered else gpu.uuid
