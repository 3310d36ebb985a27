"""The starter model learns its starter examples by each of the five methods. Nightly only: `scripts/test --all`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IS_NIGHTLY = int(os.environ.get("TUNESMITH_REPEATS", "1")) > 1

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not IS_NIGHTLY, reason="takes minutes: scripts/test --all"),
]


@pytest.mark.parametrize("method", ["lora", "qlora", "prefix", "adapter", "full"])
def test_the_held_out_loss_falls(method: str, tmp_path: Path) -> None:
    """At the learning rate that the studio suggests for the method."""
    command = [
        *(sys.executable, "app.py", "train", "examples/support.jsonl"),
        *("--method", method, "--epochs", "1", "--json", f"--data-dir={tmp_path}"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    facts = next(event["facts"] for event in events if event.get("type") == "finished")
    assert facts["eval_loss_last"] < 0.9 * facts["eval_loss_first"]
