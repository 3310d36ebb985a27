"""Nothing on the way from a file to an adapter needs a network."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from served import TUNESMITH, clean_environment

from core.home import Home
from storage import manifest

pytestmark = pytest.mark.process

#: A namespace in which there is no interface, not even the loopback's.
ALONE = ("unshare", "-rn")


def can_be_alone() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_be_alone(), reason="needs user namespaces to take the network away")
def test_40_a_run_completes_without_any_network(tiny_home: Home, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": f"Say {n}", "completion": f"{n}"}) + "\n" for n in range(12)))
    command = [*ALONE, TUNESMITH, "train", rows, "--model", "tiny", "--json", "--data-dir", tiny_home.path]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["status"] == "completed"
    assert manifest.damage(tiny_home.runs / result["job"] / "output") is None
