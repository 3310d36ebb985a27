"""The command line on bad input: one sentence with the value in it, a non-zero exit, nothing half-written."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.home import Home
from core.studio import Studio
from storage.spec import JobSpec, ModelRef


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(home: Home, model: ModelRef) -> Path:
    """A data folder with one model, which nobody serves."""
    return home.path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.jsonl"], "There is no file missing.jsonl"),
        (["{examples}", "--model", "gpt-17"], "There is no model “gpt-17” on this machine. Available: "),
        (["{examples}", "--model", "tiny", "--objective", "magic"], "objective: Input should be 'sft', 'dpo' or 'rft'"),
        (
            ["{examples}", "--model", "tiny", "--objective", "rft"],
            "holds labelled examples, but reinforcement",
        ),
        (
            ["{examples}", "--model", "tiny", "--objective", "dpo"],
            "holds labelled examples, but preference optimisation (dpo) learns from preference pairs",
        ),
        (
            ["{examples}", "--model", "tiny", "--method", "prefix", "--set", "method.length=500"],
            "A prefix of 500 virtual tokens with Tiny cannot be: it leaves fewer than 16 of the model's 512",
        ),
        (["{examples}", "--model", "tiny", "--epochs", "0"], "hyperparameters.epochs: Input should be greater"),
        (["{examples}", "--model", "tiny", "--set", "colour=red"], "colour: Extra inputs are not permitted"),
        (["{examples}", "--model", "tiny", "--set", "seed"], "--set seed has no “=”"),
        (["{examples}", "--model", "tiny", "--set", "model.x=1"], "“model” is a value"),
        (["{broken}", "--model", "tiny"], "line 2: Not JSON"),
        (["--model", "tiny"], "Nothing to train on"),
        (["{examples}", "--spec", "missing.yaml"], "The spec missing.yaml cannot be read"),
        (["{examples}", "--spec", "{broken}"], "cannot be read"),
    ],
)
def test_bad_input_gets_one_sentence(
    folder: Path, examples: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"prompt": "a", "completion": "b"}\n{nonsense: [\n')
    given = [argument.format(examples=examples, broken=broken) for argument in arguments]
    result = run("train", *given, "--data-dir", folder)
    assert result.exit_code == 65
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
    assert list((folder / "runs").iterdir()) == []
    assert [path for path in (folder / "datasets").iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, examples: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = run("train", examples, "--data-dir", tmp_path / "file")
    assert result.exit_code == 65
    assert f"The data folder {tmp_path}/file cannot be written" in result.stderr


def test_a_served_folder_is_not_served_twice(folder: Path) -> None:
    lock = Home(folder).lock("http://127.0.0.1:1234")
    result = run("serve", "--no-browser", "--port", free_port(), "--data-dir", folder)
    assert result.exit_code == 65
    assert "already served by process" in result.stderr
    assert "http://127.0.0.1:1234" in result.stderr
    lock.release()


def test_a_port_in_use_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--no-browser", "--port", taken.getsockname()[1], "--data-dir", folder)
    assert result.exit_code == 65
    assert f"Port {taken_port(result)} on 127.0.0.1 cannot be used" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "example.org", "::"])
def test_an_address_that_others_could_reach_is_refused(folder: Path, host: str) -> None:
    result = run("serve", "--no-browser", "--host", host, "--data-dir", folder)
    assert result.exit_code == 65
    assert f"{host} is reachable from outside" in result.stderr


def test_jobs_are_listed(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked.model_copy(update={"display_name": "First try"}), actor=studio.people.actor())
    listed = json.loads(run("jobs", "ls", "--json", "--data-dir", studio.home.path).output)
    assert (listed["id"], listed["status"], "token" in listed) == (job.id, "queued", False)
    assert "First try" in run("jobs", "ls", "--data-dir", studio.home.path).output


def test_the_doctor_says_what_there_is(folder: Path) -> None:
    result = run("doctor", "--data-dir", folder)
    assert "The data folder" in result.output
    assert "Model tiny" in result.output
    findings = [json.loads(line) for line in run("doctor", "--json", "--data-dir", folder).output.splitlines()]
    assert all(finding["mend"] for finding in findings if finding["verdict"] == "problem")


def test_fields_lists_what_set_understands() -> None:
    assert "hyperparameters.seed" in run("fields", "--markdown").output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def taken_port(result: Result) -> str:
    return result.stderr.split()[1]


def test_a_dry_run_says_what_it_would_take_and_starts_nothing(folder: Path, examples: Path) -> None:
    result = run("train", examples, "--model", "tiny", "--dry-run", "--data-dir", folder)
    assert result.exit_code == 0, result.output
    for said in ("Memory: about", "fits (estimate)", "Time: about", "Disk: at most", "Nothing was started."):
        assert said in result.stdout
    assert list((folder / "runs").iterdir()) == []
    told = run("train", examples, "--model", "tiny", "--dry-run", "--json", "--data-dir", folder)
    estimate = json.loads(told.stdout.splitlines()[-1])
    assert (estimate["type"], estimate["verdict"], estimate["to_take_less"]) == ("estimate", "fits", [])
    assert sum(estimate["parts"].values()) == estimate["needed_bytes"]
