"""Files are whole or not there; sealed folders notice every kind of damage."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import manifest
from storage.files import read_json, write_atomic, write_json

ROOT = Path(__file__).parents[2]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "control.json"
    write_json(target, {"request": "pause"})
    write_json(target, {"request": "cancel"})
    assert read_json(target) == {"request": "cancel"}
    assert [path.name for path in tmp_path.iterdir()] == ["control.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_stump(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    (target / "child").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomic(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


DIES_AT_EVERY_LINE = """
import os, sys
from pathlib import Path
from storage import files

def dying_at(line):
    seen = 0
    def trace(frame, event, _):
        nonlocal seen
        seen += event == "line" and frame.f_code.co_filename == files.__file__
        if seen == line:
            os._exit(99)
        return trace
    return trace

target, line, code = Path(sys.argv[1]), 0, 99
while code == 99:
    line += 1
    target.write_bytes(b"old" * 1000)
    pid = os.fork()
    if pid == 0:
        sys.settrace(dying_at(line))
        files.write_atomic(target, b"new" * 1000)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    content = target.read_bytes()
    print({b"old" * 1000: "old", b"new" * 1000: "new"}.get(content, "torn"))
assert code == 0
"""


def test_killed_at_any_line_of_a_write_the_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DIES_AT_EVERY_LINE, str(tmp_path / "exit.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert len(found) > 10
    assert found == sorted(found, reverse=True)
    assert set(found) == {"old", "new"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": 1', b"\xff\xfe"])
def test_half_a_json_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "exit.json").write_bytes(content)
    assert read_json(tmp_path / "exit.json") is None


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    partial = tmp_path / "step-1.partial"
    (partial / "deep").mkdir(parents=True)
    (partial / "weights").write_bytes(b"x" * 1000)
    (partial / "deep" / "state").write_bytes(b"y" * 10)
    manifest.seal(partial, tmp_path / "step-1")
    return tmp_path / "step-1"


def test_a_sealed_folder_is_whole(sealed: Path) -> None:
    assert manifest.is_sealed(sealed)
    assert manifest.damage(sealed) is None


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "weights").unlink(), "is missing"),
        (lambda folder: (folder / "weights").write_bytes(b"x" * 999), "999 bytes instead of 1000"),
        (lambda folder: (folder / "deep" / "state").write_bytes(b"z" * 10), "has changed"),
        (lambda folder: (folder / "MANIFEST.json").unlink(), "never finished"),
        (lambda folder: (folder / "MANIFEST.json").write_text("{"), "never finished"),
    ],
)
def test_every_kind_of_damage_is_named(sealed: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(sealed)
    assert said in (manifest.damage(sealed) or "")
