"""The starter model learns to answer in one word because a grader likes it. Nightly only: `scripts/test --all`."""

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


def test_the_mean_reward_of_held_out_prompts_rises(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "app.py", "train", "examples/one-word-answers.jsonl"),
        *("--spec", "examples/one-word-answers.yaml", "--json", f"--data-dir={tmp_path}"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    facts = next(event["facts"] for event in events if event.get("type") == "finished")
    assert facts["reward_last"] > facts["reward_first"] + 0.1
    # Not by a loophole: the right word is said at least about as often as before.
    right = [e["values"]["eval_reward/right"] for e in events if "eval_reward/right" in e.get("values", {})]
    assert right[-1] >= right[0] - 0.1
