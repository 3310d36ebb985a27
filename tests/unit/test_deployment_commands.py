"""`tunesmith deploy`, `deployments` and `chat`, where no studio serves the folder."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.home import Home
from storage.spec import ModelRef


@pytest.fixture
def folder(home: Home, model: ModelRef) -> Path:
    """A data folder with one model."""
    return home.path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_model_is_deployed_listed_stopped_started_and_deleted(folder: Path) -> None:
    assert "“tiny” answers with Tiny." in run("deploy", "tiny", "--data-dir", folder).output
    assert run("deploy", "nobody/tiny", "--name", "other", "--data-dir", folder).exit_code == 0
    assert "“other” is stopped" in run("deployments", "stop", "other", "--data-dir", folder).output
    listed = run("deployments", "ls", "--json", "--data-dir", folder).output.splitlines()
    assert {row["name"]: row["wanted"] for row in map(json.loads, listed)} == {"tiny": True, "other": False}
    shown = run("deployments", "ls", "--data-dir", folder).output
    assert "stopped" in shown
    assert "not served" in shown
    assert "No studio serves this data folder now" in shown
    switched = run("deployments", "switch", "other", "tiny", "--data-dir", folder)
    assert "“other” answers with tiny from now on." in switched.output
    assert "is started" in run("deployments", "start", "other", "--data-dir", folder).output
    assert "is deleted" in run("deployments", "rm", "other", "--data-dir", folder).output
    assert len(run("deployments", "ls", "--json", "--data-dir", folder).output.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deploy", "nobody"], "There is no model, finished job or checkpoint “nobody”"),
        (["deploy", "tiny", "--checkpoint", "7"], "“tiny@7”"),
        (["deploy", "tiny", "--name", "Not This"], "cannot be a deployment's name"),
        (["deployments", "stop", "nobody"], "There is no deployment “nobody”"),
        (["chat", "tiny"], "No studio serves this data folder"),
    ],
)
def test_what_cannot_be_gets_one_sentence(folder: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments, "--data-dir", folder)
    assert result.exit_code == 65
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_list_says_how_to_begin(folder: Path) -> None:
    assert "tunesmith deploy JOB" in run("deployments", "ls", "--data-dir", folder).output
