"""The closer look as pages start it: in a process of its own, with progress, and ended on request."""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from core.child import ChildFailed
from core.datasets.closer import CloserLook
from storage.rows import RowsWriter

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]


def version(folder: Path, count: int) -> Path:
    folder.mkdir()
    with closing(RowsWriter(folder)) as writer:
        for line in range(1, count + 1):
            question = f"{line} " * 40 if line % 5 else "Write to anna@firma.de about " + f"order {line} " * 20
            messages = [{"role": "user", "content": question}, {"role": "assistant", "content": f"{line}!" * 20}]
            writer.add({"messages": messages}, line)
    return folder


def test_a_look_in_a_child_finds_what_the_command_finds(tmp_path: Path) -> None:
    look = CloserLook(version(tmp_path / "ds", 50))
    assert look.known() is None
    look.start()
    report = look.result(timeout_s=60)
    assert report.codes["pii_suspected"].count == 10
    assert look.known() == report
    assert look.progress.phase in ("reading", "comparing")
    said = subprocess.run(
        [sys.executable, "-m", "core.checks.closer", str(tmp_path / "ds")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout[said.stdout.rindex("\n{\n") :]) == report.model_dump(mode="json")


def test_a_look_that_is_cancelled_leaves_the_last_one_standing(tmp_path: Path) -> None:
    folder = version(tmp_path / "ds", 30_000)
    look = CloserLook(folder)
    look.start()
    deadline = time.monotonic() + 60
    while not look.progress.done:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    look.cancel()
    with pytest.raises(ChildFailed, match="cancelled"):
        look.result(timeout_s=30)
    assert look.known() is None
    assert not look.is_running


def test_a_version_that_is_gone_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="dataset nothing is not there any more"):
        CloserLook(tmp_path / "nothing").result(timeout_s=60)
