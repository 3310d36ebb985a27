"""The import's own processes, and the command."""

import json
from pathlib import Path
from typing import Any

import pytest
from exports import zipped_bytes
from typer.testing import CliRunner, Result

from app import main
from core.conversations.children import make_in_child, read_in_child
from core.conversations.options import ImportOptions
from core.conversations.options import Result as Kind
from core.conversations.store import Store
from core.errors import BadInput, Cancelled
from core.home import Home
from core.studio import Studio


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "chatgpt.zip"
    path.write_bytes(zipped_bytes())
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def stop(_: object) -> None:
    raise Cancelled("Enough.")


def test_a_child_reads_and_makes(export: Path, store: Path) -> None:
    assert read_in_child(export, store, "mine.zip").sources == {"chatgpt": 12}
    assert Store(store).overview().name == "mine.zip"
    made = make_in_child(store, [2, 3, 99], ImportOptions(anonymise=True))
    assert (made.conversations, made.rows, made.anonymised) == (2, 2, {"EMAIL": 4})
    assert made.changes[0].after == "My address is [EMAIL_1]. Question 2?"


def test_both_can_be_cancelled(export: Path, store: Path) -> None:
    with pytest.raises(Cancelled):
        read_in_child(export, store, "mine.zip", stop)
    assert not Store(store).is_there
    read_in_child(export, store, "mine.zip")
    with pytest.raises(Cancelled):
        make_in_child(store, None, ImportOptions(), on_made=stop)


def test_what_the_child_refuses_is_said_here(tmp_path: Path, store: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"instruction": "a", "output": "b"}]')
    with pytest.raises(BadInput, match="is no export of ChatGPT"):
        read_in_child(path, store, path.name)


# ---- tunesmith datasets import-conversations -------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["datasets", "import-conversations", *(str(argument) for argument in arguments)])


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output.splitlines()[-1]))


def test_the_command_keeps_a_dataset(export: Path, home: Home) -> None:
    result = run(export, "--per-turn", "--anonymise", "--name", "Chats", "--data-dir", home.path)
    assert result.exit_code == 0, result.output
    assert "ChatGPT (12): 12 examples from 12 conversations." in result.output
    assert "Replaced: 24 × EMAIL." in result.output
    studio = Studio(home)
    studio.open()
    [dataset] = studio.datasets.all()
    studio.close()
    assert (dataset.name, dataset.rows, dataset.source_name) == ("Chats", 12, "chatgpt.zip")


def test_the_command_counts_before_it_keeps(export: Path, home: Home) -> None:
    found = told(run(export, "--pairs", "--dry-run", "--json", "--data-dir", home.path))
    assert (found["examples"], found["skipped"], found["alone"]) == (6, 6, 0)
    assert told(run(export, "--rated", "--search", "chat 4", "--dry-run", "--json"))["examples"] == 2
    few = run(export, "--pairs", "--json", "--data-dir", home.path)
    assert (few.exit_code, "at least 10" in few.stderr) == (65, True)
    both = run(export, "--pairs", "--rated")
    assert (both.exit_code, "Choose one of" in both.stderr) == (65, True)


def test_results_know_their_format() -> None:
    assert [ImportOptions(result=kind).format for kind in Kind] == ["chat", "chat", "preference", "unpaired"]
