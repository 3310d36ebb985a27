"""How much memory this process and its children may use: the machine's, or its control group's where that is less."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Under this group's folder: the limit, what is used, and how much of that the kernel gives back when asked.
_VERSION_2 = ("memory.max", "memory.current", "inactive_file")
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@dataclass(frozen=True, slots=True)
class Memory:
    total_bytes: int
    free_bytes: int


def host_memory(membership: Path = Path("/proc/self/cgroup"), groups: Path = Path("/sys/fs/cgroup")) -> Memory:
    """Measured now. In a container the machine's own figures would promise what the kernel does not give."""
    machine = psutil.virtual_memory()
    total, free = machine.total, machine.available
    for limit, left in _limits(membership, groups):
        if limit < machine.total:
            total, free = min(total, limit), min(free, left)
    return Memory(total, max(0, free))


def _limits(membership: Path, groups: Path) -> Iterator[tuple[int, int]]:
    """Of every group that we are in, and of those around it: its limit, and how much of that is left."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, names = (groups / "memory", _VERSION_1) if controllers else (groups, _VERSION_2)
        inside = root / path.lstrip("/")
        for folder in (inside, *inside.parents):
            if folder.is_relative_to(root) and (found := _limit(folder, *names)):
                yield found


def _limit(folder: Path, limit_file: str, used_file: str, reclaimable: str) -> tuple[int, int] | None:
    try:
        limit, used = int((folder / limit_file).read_text()), int((folder / used_file).read_text())
        counters = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None  # the root has no such files, and “max” is no number: no limit here
    return limit, limit - used + int(counters.get(reclaimable, 0))
