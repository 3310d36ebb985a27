"""What a worker is started with: its threads, its context, its device."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.serving.settings import Settings
from core.serving.targets import Base
from core.serving.worker import Worker
from storage.serving import WorkerSpec

COMMAND = (sys.executable, "-m", "serving")


@dataclass(frozen=True, slots=True)
class Launch:
    """`cache` is where workers keep what they make of models; `command` gets the worker's folder appended."""

    cache: Path
    settings: Settings
    command: Sequence[str] = COMMAND

    def start(self, folder: Path, base: Base, device_uuid: str, on_change: Callable[[Worker], None]) -> Worker:
        self.cache.mkdir(parents=True, exist_ok=True)
        spec = WorkerSpec(
            engine=base.engine,
            model=base.model,
            base_name=base.model.id,
            cache=str(self.cache),
            device=base.device,
            threads=len(os.sched_getaffinity(0)),
            slots=self.settings.slots,
            bits=self.settings.bits,
            context_length=min(base.model.context_length, self.settings.context_length),
        )
        told = {"CUDA_VISIBLE_DEVICES": device_uuid} if device_uuid else {}
        return Worker(folder, spec, on_change, command=self.command, environment=told)
