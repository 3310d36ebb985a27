"""The processes of one attempt: one a device, each with its rank. Started side by side, ended together.

Standard library only: the supervisor starts them, and the trainer learns from the environment which one it is.
"""

import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.process import log_name

#: How long the first process has to tell of the failure of another, before all are ended.
TELLING_S = 10.0


@dataclass(frozen=True, slots=True)
class Rank:
    """Which process of how many. The first one alone writes events, checkpoints and the output."""

    number: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.number == 0

    @classmethod
    def mine(cls) -> "Rank":
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


#: The rank of a run on one device.
ALONE = Rank()


@dataclass(frozen=True, slots=True)
class Ending:
    """Whose end decided how the attempt ended; `status` is negative for a signal, as subprocess has it."""

    rank: int
    status: int


def start(
    command: Sequence[str], attempt: Path, environment: Mapping[str, str], count: int
) -> list[subprocess.Popen[bytes]]:
    """Each appends to log files of its own: a pipe through us would break when we are killed."""
    started = []
    for number in range(count):
        with (
            (attempt / log_name("stdout", number)).open("ab") as stdout,
            (attempt / log_name("stderr", number)).open("ab") as stderr,
        ):
            started.append(
                subprocess.Popen(
                    command,
                    env={**environment, **(variables(number, count) if count > 1 else {})},
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                )
            )
    return started


def variables(number: int, count: int) -> dict[str, str]:
    """What torchrun would set and accelerate reads. They meet through a file, so there is no port to be chosen.

    The loopback by name: else gloo and NCCL look up the machine's name, which Debian answers with 127.0.1.1 and some
    networks not at all.
    """
    return {
        "RANK": str(number),
        "LOCAL_RANK": str(number),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"),
        "NCCL_SOCKET_IFNAME": os.environ.get("NCCL_SOCKET_IFNAME", "lo"),
    }


def wait(processes: Sequence[subprocess.Popen[bytes]]) -> Ending:
    """Until all are gone. The first process decides, or another that failed before it; then nobody is waited for.

    Another that ends well has only done its share: the first still writes the output. One that failed by itself has
    left word, and the first passes it on; one that a signal ended has not.
    """
    ended: queue.SimpleQueue[Ending] = queue.SimpleQueue()
    for number, process in enumerate(processes):
        threading.Thread(target=_report, args=(number, process, ended), daemon=True).start()
    decisive: Ending | None = None
    deadline: float | None = None
    left = len(processes)
    while left:
        try:
            ending = ended.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            deadline = None
            for process in processes:
                process.kill()  # does nothing to one whose status we have
            continue
        left -= 1
        if decisive is None and (ending.rank == 0 or ending.status != 0):
            decisive = ending
            deadline = time.monotonic() + (TELLING_S if ending.rank and ending.status > 0 else 0.0)
        elif ending.rank == 0 and deadline is not None:
            deadline = time.monotonic()
    assert decisive is not None  # the first is among them
    return decisive


def _report(number: int, process: "subprocess.Popen[bytes]", ended: "queue.SimpleQueue[Ending]") -> None:
    ended.put(Ending(number, process.wait()))
