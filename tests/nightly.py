"""Trainings of the starter model: minutes long, so only `scripts/test --all` runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
IS_NIGHTLY = int(os.environ.get("TUNESMITH_REPEATS", "1")) > 1

NIGHTLY = [
    pytest.mark.process,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not IS_NIGHTLY, reason="takes minutes: scripts/test --all"),
]


def train(*arguments: str, data_dir: Path) -> list[dict[str, Any]]:
    """`tunesmith train` to its end; the events that it tells."""
    done = subprocess.run(
        [sys.executable, "app.py", "train", *arguments, "--json", f"--data-dir={data_dir}"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def facts_of(events: list[dict[str, Any]]) -> dict[str, float]:
    facts: dict[str, float] = next(event["facts"] for event in events if event.get("type") == "finished")
    return facts
