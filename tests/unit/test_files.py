"""Files are whole or not there; sealed folders notice every kind of damage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage import manifest
from storage.files import read_json, write_atomic, write_json


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
