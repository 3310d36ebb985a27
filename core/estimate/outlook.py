"""What a run takes, whether that fits, and in what words. Estimates: marked as such wherever they are shown."""

from dataclasses import dataclass
from enum import StrEnum

from core.estimate.calibration import NOT_CALIBRATED, Calibration
from core.estimate.disk import disk_bytes
from core.estimate.memory import Memory, memory_of
from core.estimate.pace import seconds, starting_tokens_per_second
from core.estimate.parameters import trainable_parameters
from core.estimate.traffic import Counted, Traffic, traffic_of
from core.hardware import Hardware
from core.sentence import Sentence
from storage.spec import RunSpec

#: Up to this share of what is free it fits; between that and all of it, it is tight.
COMFORTABLE = 0.85
#: Nobody gets all of a machine's memory.
MOST_OF_ALL = 0.9


class Verdict(StrEnum):
    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does not fit"


@dataclass(frozen=True, slots=True)
class Room:
    """Where the memory has to come from: now, and if nothing else ran."""

    free_bytes: int
    total_bytes: int
    device: str

    def verdict(self, needed_bytes: float) -> Verdict:
        if needed_bytes <= self.free_bytes * COMFORTABLE:
            return Verdict.FITS
        most = max(self.free_bytes, int(self.total_bytes * MOST_OF_ALL))
        return Verdict.TIGHT if needed_bytes <= most else Verdict.DOES_NOT_FIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """`memory` is by the formula, for each device; on a CPU for each of `processes`. `memory_bytes`,
    `tokens_per_second` and `seconds` are calibrated where they can be."""

    memory: Memory
    memory_bytes: int
    processes: int
    room: Room
    tokens_per_second: float
    starting_tokens_per_second: float
    seconds: float
    disk_bytes: int
    trainable_parameters: int
    traffic: Traffic
    calibration: Calibration

    @property
    def verdict(self) -> Verdict:
        return self.room.verdict(self.needed_bytes)

    @property
    def needed_bytes(self) -> int:
        """Of the room, by all processes that share it."""
        return self.memory_bytes * self.processes

    @property
    def basis(self) -> str:
        """What the figures rest on, in the words that stand beside them."""
        runs = self.calibration.runs
        if not runs:
            return Sentence("estimate")
        return Sentence("estimate, calibrated by {count} run | estimate, calibrated by {count} runs", count=runs)


def room_of(run: RunSpec, machine: Hardware) -> Room:
    """A job has its GPU alone; the host's memory it shares with other programs, and its processes share it."""
    if run.compute.device == "cuda" and machine.gpus:
        smallest = min(machine.gpus, key=lambda gpu: gpu.memory_bytes)
        return Room(smallest.memory_bytes, smallest.memory_bytes, smallest.name)
    return Room(machine.available_bytes, machine.memory_bytes, "this machine’s memory")


def look_ahead(
    run: RunSpec, machine: Hardware, counted: Counted | None = None, calibration: Calibration = NOT_CALIBRATED
) -> Outlook:
    traffic = traffic_of(run, counted)
    memory = memory_of(run, traffic)
    starting = starting_tokens_per_second(run, traffic, machine)
    tokens_per_second = starting * calibration.speed
    return Outlook(
        memory=memory,
        memory_bytes=int(memory.needed_bytes * calibration.memory),
        processes=run.compute.devices if run.compute.device == "cpu" else 1,
        room=room_of(run, machine),
        tokens_per_second=tokens_per_second,
        starting_tokens_per_second=starting,
        seconds=seconds(run, traffic, tokens_per_second),
        disk_bytes=disk_bytes(run.method, run.model, run.retention, traffic.epoch_tokens + traffic.held_out_tokens),
        trainable_parameters=trainable_parameters(run.method, run.model),
        traffic=traffic,
        calibration=calibration,
    )
