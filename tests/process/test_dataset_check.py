"""`tunesmith datasets check --model --deep`: everything the doctor knows about a file, without keeping anything."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import main
from core.home import Home

pytestmark = pytest.mark.process


def test_the_doctor_counts_tokens_and_looks_closer(tiny_home: Home, tmp_path: Path) -> None:
    rows = [{"prompt": f"Question {number}?", "completion": f"The answer is {number}."} for number in range(12)]
    rows[4]["completion"] = "Write to jane.doe@posteo.net about it, please. " * 40
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (model,) = (folder.name for folder in tiny_home.models.glob("[!.]*"))
    options = ["--model", model, "--context", "64", "--deep", "--json", "--data-dir", str(tiny_home.path)]
    result = CliRunner().invoke(main, ["datasets", "check", str(path), *options])
    told = [json.loads(line) for line in result.output.splitlines()]
    assert [one["type"] for one in told if one["type"] != "finding"] == ["report", "closer look", "tokens"]
    tokens = told[[one["type"] for one in told].index("tokens")]
    assert (tokens["rows"], tokens["context"]) == (12, 64)
    assert tokens["max"] > 64 > tokens["p50"]
    found = {(one["code"], one["line"]) for one in told if one["type"] == "finding"}
    assert {("pii_suspected", 5), ("over_context", 5)} <= found
    assert result.exit_code == 0
    assert list(tiny_home.datasets.iterdir()) == []
    assert not (tiny_home.path / "cache").exists()
