"""How much memory there is: the machine's, or the control group's. Both generations of groups, as files."""

from pathlib import Path

import psutil
import pytest

from core.memory import host_memory

GIB = 1024**3
MACHINE = psutil.virtual_memory().total


def group(folder: Path, values: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("membership", "folder", "limit", "used", "reclaimable"),
    [
        ("0::/jobs/ours", "jobs/ours", "memory.max", "memory.current", "inactive_file"),
        ("0::/jobs/ours", "jobs", "memory.max", "memory.current", "inactive_file"),
        ("4:memory:/jobs/ours", "memory/jobs", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        # A container sees its own group as the root, whatever its membership says.
        ("4:memory:/docker/abc", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_a_group_with_less_than_the_machine_decides(
    tmp_path: Path, membership: str, folder: str, limit: str, used: str, reclaimable: str
) -> None:
    (tmp_path / "cgroup").write_text(f"1:cpu:/\n{membership}\n")
    quarter = MACHINE // 4
    stat = f"anon 5\n{reclaimable} 1000"
    group(tmp_path / "groups" / folder, {limit: quarter, used: quarter - 5000, "memory.stat": stat})
    found = host_memory(tmp_path / "cgroup", tmp_path / "groups")
    assert (found.total_bytes, found.free_bytes) == (quarter, 6000)


@pytest.mark.parametrize("limit", ["max", 9223372036854771712])
def test_without_a_limit_the_machine_decides(tmp_path: Path, limit: object) -> None:
    (tmp_path / "cgroup").write_text("0::/\n")
    group(tmp_path / "groups", {"memory.max": limit, "memory.current": 5, "memory.stat": "inactive_file 1"})
    assert host_memory(tmp_path / "cgroup", tmp_path / "groups").total_bytes == MACHINE


def test_a_system_without_groups_is_a_machine(tmp_path: Path) -> None:
    assert host_memory(tmp_path / "none", tmp_path).total_bytes == MACHINE
