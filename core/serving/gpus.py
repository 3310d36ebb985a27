"""What workers share with jobs: GPUs, through the same leases, so that neither takes what the other has; memory."""

from core.devices import CPU, Device
from core.queueing import Queue
from core.serving.targets import Kind
from storage import leases
from storage.database import Database


class Gpus:
    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def kind_for(self, needed_bytes: int) -> Kind:
        """What a model of this size would be loaded on now. A job that waits for a GPU goes first."""
        seen = [device for device in self._queue.look()[0] if device.kind != CPU]
        if not seen:
            return "cpu"
        with self._database.read() as session:
            return "cuda" if free(leases.line(session), seen, needed_bytes) else "cpu"

    def is_waited_for(self) -> bool:
        """Whether a job would use a GPU if it had one."""
        with self._database.read() as session:
            return any(job.device != CPU and not job.held for job in leases.line(session).waiting)

    def memory_is_waited_for(self) -> bool:
        """Whether a job would start on the processor if more of the machine's memory were free."""
        processor = next((device for device in self._queue.look()[0] if device.kind == CPU), None)
        if processor is None:
            return False
        with self._database.read() as session:
            line = leases.line(session)
        if any(lease.device_uuid == CPU for lease in line.leases):
            return False
        needs = (job.memory_bytes * job.devices for job in line.waiting if job.device == CPU and not job.held)
        return any(processor.free_bytes < need <= processor.memory_bytes for need in needs)

    def take(self, title: str, token: str, needed_bytes: int) -> Device | None:
        """A GPU that is the worker's from now on; None where none is free any more."""
        seen, _ = self._queue.look()
        with self._database.write() as session:
            chosen = free(leases.line(session), seen, needed_bytes)
            if chosen:
                leases.take_for_serving(session, f"{title} (serving)", token, chosen.uuid)
        return chosen

    def release(self, token: str) -> None:
        with self._database.write() as session:
            leases.release_serving(session, token)
        self._queue.wake.set()

    def release_all(self) -> None:
        """At start: no worker outlives its studio."""
        with self._database.write() as session:
            leases.release_serving(session)


def free(line: leases.Line, seen: tuple[Device, ...] | list[Device], needed_bytes: int) -> Device | None:
    """The smallest GPU that nobody uses and that has room; none while a job waits for one."""
    taken = {lease.device_uuid for lease in line.leases}
    if any(job.device != CPU and not job.held for job in line.waiting):
        return None
    open_to_us = [
        device
        for device in seen
        if device.kind != CPU
        and device.uuid not in taken
        and not device.processes
        and device.free_bytes >= needed_bytes
    ]
    return min(open_to_us, key=lambda device: (device.memory_bytes, device.index), default=None)
