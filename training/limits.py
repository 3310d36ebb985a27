"""Bounds for code that came with a model: a chat template is a program of somebody else's.

One long step inside C (a power of huge numbers) cannot be interrupted. After a while longer the kernel ends the whole
process: a job fails then, or a count, but nothing computes for ever.
"""

import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TEMPLATE_CPU_S = 10.0
#: Beyond the limit itself, before the kernel ends a process that did not hear of it.
KERNEL_GRACE_S = 60
MEMORY_BYTES = 6 * 1024**3


class TooSlow(Exception):
    """The limited code took more processor time than it was given."""


@contextmanager
def cpu_limit(seconds: float = TEMPLATE_CPU_S) -> Iterator[None]:
    """Raises TooSlow inside. Processor time, so that a stopped or crowded machine is nobody's fault."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only there can signals be handled
        return
    before = signal.signal(signal.SIGVTALRM, _raise)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    last = int(time.process_time() + seconds) + KERNEL_GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (last if soft == resource.RLIM_INFINITY else min(soft, last), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def limit_memory(size_bytes: int = MEMORY_BYTES) -> None:
    """For the rest of this process: more than this raises MemoryError. Files mapped for reading do not count."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = size_bytes if hard == resource.RLIM_INFINITY else min(size_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow
