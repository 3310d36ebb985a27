"""The starter model learns to prefer the kind answers to the curt ones. Minutes long: `scripts/test --all` runs it."""

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


def test_held_out_pairs_are_won_more_often(tmp_path: Path) -> None:
    asked = {"hyperparameters.learning_rate": 5e-4, "evaluation.kind": "hold_out", "evaluation.share": 0.3}
    settings = [f"--set={name}={value}" for name, value in asked.items()]
    command = [
        sys.executable,
        "app.py",
        "train",
        "examples/support-preferences.jsonl",
        "--objective=dpo",
        "--epochs=2",
        "--json",
    ]
    done = subprocess.run(
        [*command, *settings, f"--data-dir={tmp_path}"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    facts = next(event["facts"] for event in events if event.get("type") == "finished")
    assert facts["preferred_last"] > facts["preferred_first"]
    assert facts["preferred_last"] > 0.8
    assert facts["reward_accuracy"] > 0.8
    assert facts["eval_loss_last"] < facts["eval_loss_first"] - 0.1
