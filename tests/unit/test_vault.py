"""Keys are encrypted at rest, readable by nobody else, and never printed; settings of trackers are checked."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

import app
from core.errors import BadInput
from core.tracking import Tracking, asked
from core.vault import Vault
from storage.spec import JobSpec
from storage.trackers import Tracker

CANARY = "0123456789abcdef-canary-key-0123456789"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_stored_key_is_nowhere_in_the_data_folder(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.put("wandb", f"  {CANARY}\n")
    assert vault.get("wandb") == CANARY
    assert vault.names() == ["wandb"]
    found = files_of(tmp_path)
    assert sorted(found) == ["secrets.json", "secrets.key"]
    assert not [name for name, content in found.items() if CANARY.encode() in content]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    # The same key twice is not the same text twice.
    vault.put("mlflow", CANARY)
    sealed = json.loads((tmp_path / "secrets.json").read_text())
    assert sealed["wandb"] != sealed["mlflow"]
    vault.remove("wandb")
    assert (vault.get("wandb"), vault.names()) == ("", ["mlflow"])


@pytest.mark.parametrize("value", ["", "short", "with a space in it", "with\nline", "ümlaut-in-the-key", "k" * 600])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadInput, match="That is no key for wandb") as refused:
        Vault(tmp_path).put("wandb", value)
    assert not value or value not in str(refused.value)
    with pytest.raises(BadInput, match="Nothing uses a key named “github”"):
        Vault(tmp_path).put("github", CANARY)


def test_another_key_file_opens_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.put("wandb", CANARY)
    (tmp_path / "secrets.key").unlink()
    with pytest.raises(BadInput, match="Store it again with: tunesmith secrets set wandb"):
        vault.get("wandb")
    (tmp_path / "secrets.key").write_text("no key")
    with pytest.raises(BadInput, match="is damaged, so stored keys cannot be opened"):
        vault.get("wandb")


def test_the_command_takes_a_key_from_a_pipe_and_never_prints_it(tmp_path: Path) -> None:
    run, home = CliRunner(), ["--data-dir", str(tmp_path)]
    stored = run.invoke(app.main, ["secrets", "set", "wandb", *home], input=f"{CANARY}\n")
    listed = run.invoke(app.main, ["secrets", "ls", *home])
    shown = run.invoke(app.main, ["trackers", "ls", *home])
    assert [result.exit_code for result in (stored, listed, shown)] == [0, 0, 0], stored.output
    assert listed.output.split() == ["wandb"]
    assert CANARY not in stored.output + listed.output + shown.output
    assert Vault(tmp_path).get("wandb") == CANARY
    assert run.invoke(app.main, ["secrets", "rm", "wandb", *home]).exit_code == 0
    assert run.invoke(app.main, ["secrets", "rm", "wandb", *home]).exit_code != 0


def test_settings_are_checked_and_named_when_they_are_wrong(tmp_path: Path) -> None:
    tracking = Tracking(tmp_path)
    tracking.change({"wandb_project": "support", "wandb_mode": "offline"})
    assert Tracking(tmp_path).settings().wandb_project == "support"
    for news, said in (
        ({"mlflow_uri": "file:///etc"}, "mlflow_uri cannot be “file:///etc”"),
        ({"wandb_mode": "sometimes"}, "wandb_mode cannot be “sometimes”"),
        ({"api_key": CANARY}, "There is no setting “api_key”"),
    ):
        with pytest.raises(BadInput, match=said):
            tracking.change(news)
    assert Tracking(tmp_path).settings().wandb_mode == "offline"
    (tmp_path / "trackers.json").write_text('{"wandb_project": 7}')
    with pytest.raises(BadInput, match="is damaged"):
        tracking.settings()


def test_the_hint_says_what_is_missing(tmp_path: Path) -> None:
    tracking = Tracking(tmp_path)
    assert tracking.hint(Tracker.TENSORBOARD) == ""
    assert "pip install" in tracking.hint(Tracker.TRACKIO)


def test_the_checkbox_and_the_list_ask_for_the_same(tmp_path: Path) -> None:
    spec = JobSpec(model="m", dataset="d", wandb=True, trackers=(Tracker.TENSORBOARD, Tracker.WANDB))
    assert asked(spec) == (Tracker.WANDB, Tracker.TENSORBOARD)
    assert asked(JobSpec(model="m", dataset="d")) == ()
