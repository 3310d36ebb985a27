"""What the processes of one run do together. A run on one device agrees with itself, at once and without torch."""

import contextlib
from datetime import timedelta
from pathlib import Path

from storage.run_folder import Request
from training.ranks import Rank

#: How long a process waits for another. Not a safeguard: the first may write a large checkpoint or ask the model for
#: minutes while the others wait. A process that died is noticed by the supervisor, one that stands still by the page.
PATIENCE = timedelta(days=1)
#: Within a step they are never far apart. For the case that the supervisor is gone as well.
STEP_PATIENCE = timedelta(hours=1)
#: What may be asked, weakest first: the strongest that any process has heard holds for all.
_REQUESTS = (None, Request.PAUSE, Request.CANCEL)


class Alone:
    """The only process of a run."""

    def agree(self, asked: Request | None) -> Request | None:
        """The strongest of what the processes have heard."""
        return asked

    def sum(self, *values: float) -> tuple[float, ...]:
        return values

    def from_first(self, number: int) -> int:
        """The first process's number, whatever the others pass."""
        return number

    def wait(self) -> None:
        """Until every process is here."""

    def part(self) -> None:
        """After this each goes its own way; the first still has work to do."""


class ProcessGroup(Alone):
    """Several processes of this machine, one a device.

    Talks over gloo on the processor even where gradients go over NCCL: NCCL's waiting occupies the GPU, and it gives up
    after minutes.
    """

    def __init__(self, rank: Rank, meeting_place: Path, *, on_gpus: bool) -> None:
        import torch

        self._torch = torch
        if on_gpus:
            torch.cuda.set_device(rank.number)
        torch.distributed.init_process_group(
            "nccl" if on_gpus else "gloo",
            init_method=meeting_place.absolute().as_uri(),
            rank=rank.number,
            world_size=rank.size,
            timeout=STEP_PATIENCE,
        )
        self._group = torch.distributed.new_group(backend="gloo", timeout=PATIENCE)

    def agree(self, asked: Request | None) -> Request | None:
        return _REQUESTS[int(self._reduced([_REQUESTS.index(asked)], self._torch.distributed.ReduceOp.MAX)[0])]

    def sum(self, *values: float) -> tuple[float, ...]:
        return tuple(self._reduced(list(values), self._torch.distributed.ReduceOp.SUM))

    def from_first(self, number: int) -> int:
        told = self._torch.tensor([number])
        self._torch.distributed.broadcast(told, src=0, group=self._group)
        return int(told.item())

    def wait(self) -> None:
        self._torch.distributed.barrier(group=self._group)

    def part(self) -> None:
        self.wait()
        # What is to be done is done; the process ends soon either way.
        with contextlib.suppress(RuntimeError):
            self._torch.distributed.destroy_process_group()

    def _reduced(self, values: list[float], how: object) -> list[float]:
        told = self._torch.tensor(values, dtype=self._torch.float64)
        self._torch.distributed.all_reduce(told, op=how, group=self._group)
        return told.tolist()
