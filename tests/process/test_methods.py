"""Every method and its variants: what was kept gives the same logits, to the last bit, in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def kept_logits(what: str, model: Path, folder: Path) -> dict[str, dict[str, float]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kept_logits.py")), what, str(model), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line.pop("method"): line for line in lines}


def test_what_was_kept_says_the_same_in_a_fresh_process(tiny_model: Path, tmp_path: Path) -> None:
    counts = kept_logits("write", tiny_model, tmp_path)
    found = kept_logits("read", tiny_model, tmp_path)
    assert set(found) == set(counts) == {"lora", "dora", "qlora", "qlora-8", "prefix", "houlsby", "pfeiffer", "full"}
    assert {name: row["difference"] for name, row in found.items()} == dict.fromkeys(found, 0.0)
    assert all(row["effect"] > 0 for row in found.values())
    assert counts["qlora"]["total_parameters"] == counts["lora"]["total_parameters"]
    assert counts["full"]["trainable_parameters"] == counts["full"]["total_parameters"]
