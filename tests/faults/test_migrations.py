"""The server dies before, within and after the schema steps: the next one opens what is there and completes it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import migrating
import pytest
import zoo

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.process


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where that can be: a crash of the process is told here, and every story would wait for the disk."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="tunesmith-", dir=memory if memory.is_dir() else None))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_28_crashed_at_any_statement_of_any_step_the_next_start_completes_it(folder: Path) -> None:
    oldest = zoo.revisions()[0]
    command = [sys.executable, migrating.__file__, str(folder), oldest]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    stories = [json.loads(line) for line in done.stdout.splitlines()]
    points = [story.pop("point") for story in stories]
    assert points[:2] == ["migrate: backed up", "migrate: committed"]
    assert points[2:] == [f"{migrating.STATEMENT} {number}" for number in range(1, len(points) - 1)]
    # Every step takes some: making a table, moving its rows, writing its number.
    assert len(points) > 5 * len(zoo.revisions())
    found = {"damage": [None, None], "jobs": zoo.JOBS, "backups": [f"before-upgrade-from-{oldest}"]}
    assert [story for story in stories if story != found] == []
