"""Files of this machine: only from configured folders, whatever the path looks like."""

from pathlib import Path

import pytest

from core.datasets.roots import Roots
from core.errors import BadInput


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    (folder / "inner").mkdir(parents=True)
    (folder / "rows.jsonl").write_text("12345")
    (folder / ".hidden").write_text("")
    (tmp_path / "shared-too").mkdir()
    (tmp_path / "shared-too" / "secret.jsonl").write_text("secret")
    (folder / "way-out").symlink_to(tmp_path / "shared-too" / "secret.jsonl")
    (folder / "inner" / "back").symlink_to(folder / "rows.jsonl")
    return folder


def test_files_and_folders_inside_are_found(shared: Path) -> None:
    roots = Roots((shared.resolve(),))
    assert roots.file(shared / "rows.jsonl") == (shared / "rows.jsonl").resolve()
    assert roots.file(shared / "inner" / "back") == (shared / "rows.jsonl").resolve()
    assert [(entry.path.name, entry.is_folder, entry.bytes) for entry in roots.list(shared)] == [
        ("inner", True, 0),
        ("rows.jsonl", False, 5),
    ]
    assert [entry.path for entry in roots.list()] == [shared.resolve()]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{shared}/way-out", "lies outside"),
        ("{shared}/../shared-too/secret.jsonl", "lies outside"),
        ("{shared}-too/secret.jsonl", "lies outside"),
        ("/etc/passwd", "lies outside"),
        ("rows.jsonl", "is not an absolute path"),
        ("{shared}/rows.jsonl\0.png", "is not an absolute path"),
        ("{shared}/inner", "There is no file"),
        ("{shared}/missing.jsonl", "There is no file"),
        ("{shared}\\rows.jsonl", "lies outside"),
    ],
)
def test_everything_else_is_refused(shared: Path, path: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Roots((shared.resolve(),)).file(path.format(shared=shared))


def test_without_roots_nothing_may_be_read(shared: Path) -> None:
    with pytest.raises(BadInput, match="TUNESMITH_IMPORT_ROOTS"):
        Roots(()).file(shared / "rows.jsonl")
    assert Roots(()).list() == []


def test_roots_are_configured_by_the_environment(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_IMPORT_ROOTS", f"{shared}:relative:/nowhere/at/all")
    assert Roots.configured().folders == (shared.resolve(),)
