"""`tunesmith datasets` on a terminal and in scripts: the same core as the pages, one sentence where it cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.home import Home
from core.studio import Studio


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["datasets", *(str(argument) for argument in arguments)])


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.output.splitlines()[-1])
    return told


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """Twelve rows; the third has an empty answer, the last is a copy of the first."""
    rows = [{"prompt": f"Question {number}", "completion": f"The answer is {number}."} for number in range(11)]
    rows[2]["completion"] = ""
    path = tmp_path / "flawed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    return path


def test_the_doctor_needs_no_folder_and_says_line_and_fix(flawed: Path, examples: Path, tmp_path: Path) -> None:
    result = run("check", flawed)
    assert result.exit_code == 1
    shown = " ".join(result.output.split())
    assert "12 rows, supervised (prompt-completion): 10 fine, 1 with warnings, 1 with errors." in shown
    assert "line 3: An empty message [empty_content]" in shown
    assert "→ Fill it or remove the row." in shown
    told = [json.loads(line) for line in run("check", flawed, "--json").output.splitlines()]
    assert [(one["type"], one.get("code"), one.get("line")) for one in told[1:]] == [
        ("finding", "empty_content", 3),
        ("finding", "duplicate", 12),
    ]
    assert run("check", examples).exit_code == 0
    picture = tmp_path / "rows.jsonl"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    refused = run("check", picture)
    assert (refused.exit_code, "PNG" in refused.stderr) == (65, True)
    assert run("check", tmp_path / "missing").exit_code == 65


def test_a_dataset_is_added_mended_exported_deleted_and_restored(home: Home, flawed: Path, tmp_path: Path) -> None:
    where = ("--data-dir", home.path)
    first = said(run("add", flawed, "--name", "Mail", "--json", *where))
    assert "1 with errors. Drop those before training: tunesmith datasets fix" in first["said"]
    second = said(run("fix", first["dataset"], "drop-errors", "--json", *where))
    assert second["said"] == f"{second['dataset']} is version 2: 1 row with errors dropped."
    assert said(run("ls", "--json", *where))["id"] == second["dataset"]
    assert len(run("ls", "--all-versions", "--json", *where).output.splitlines()) == 2
    assert "Mail" in run("ls", *where).output
    shown = said(run("show", first["dataset"], "--json", *where))
    assert (shown["versions"], shown["jobs"]) == ([second["dataset"], first["dataset"]], [])
    assert shown["codes"] == {"empty_content": 1, "duplicate": 1}
    assert "line 3: An empty message" in run("show", first["dataset"], *where).output
    written = run("export", second["dataset"], "-o", tmp_path / "out.jsonl", "--format", "alpaca", *where)
    assert "11 rows are in" in written.output
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["instruction"] == "Question 0"
    assert len(run("export", second["dataset"], *where).stdout.splitlines()) == 11
    assert "version 2 is deleted" in said(run("rm", second["dataset"], "--json", *where))["said"]
    assert "in the trash since" in run("show", second["dataset"], *where).stderr
    assert "version 2 is back" in run("restore", second["dataset"], *where).output
    nothing = run("fix", second["dataset"], "drop-errors", *where)
    assert (nothing.exit_code, "No row of “Mail” has an error." in nothing.stderr) == (65, True)
    assert run("fix", second["dataset"], "polish", *where).exit_code == 2


def test_commands_reach_the_studio_that_serves(served: Studio, flawed: Path) -> None:
    where = ("--data-dir", served.home.path)
    added = said(run("add", flawed, "--json", *where))["dataset"]
    assert [row.id for row in served.datasets.all()] == [added]
    fixed = said(run("fix", added, "deduplicate", "--json", *where))["dataset"]
    assert served.datasets.get(fixed).version == 2
    run("rm", fixed, "--all-versions", *where)
    assert served.datasets.all() == []
    missing = run("rm", "ds-nobody", *where)
    assert (missing.exit_code, "There is no dataset “ds-nobody”" in missing.stderr) == (65, True)
    bad = run("add", flawed, "--format", "morse", *where)
    assert bad.exit_code == 65
    assert "morse" in bad.stderr
