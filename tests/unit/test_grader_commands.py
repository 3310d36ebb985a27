"""`tunesmith graders check`, and docs/graders.md: every form is there, and what it shows can be used."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner, Result

from app import main
from core.grading.reading import read_grader
from storage.graders import Grader

DOCS = Path(__file__).parents[2] / "docs" / "graders.md"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["graders", "check", *(str(argument) for argument in arguments)])


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    row = '{{"messages": [{{"role": "user", "content": "What is {0} + {0}?"}}], "answer": "{1}"}}\n'
    path.write_text("".join(row.format(number, 2 * number) for number in range(12)))
    return path


def test_a_grader_is_tried_on_a_file(prompts: Path, tmp_path: Path) -> None:
    grader = tmp_path / "grader.yaml"
    grader.write_text("type: numeric_answer\nreference: '{{ item.answer }}'\n")
    told = [json.loads(line) for line in run(grader, prompts, "--json").output.splitlines()]
    assert told[0]["kind"] == "reference"
    assert told[0]["value"] == 1
    summary = told[-1]["summary"]
    assert (summary["rows"], summary["least"], summary["most"], summary["objection"]) == (12, 0, 1, "")
    shown = run(grader, prompts)
    assert (shown.exit_code, "answers to 12 prompts: mean" in shown.output) == (0, True)


def test_one_that_teaches_nothing_is_refused_until_the_right_answer_is_shown(prompts: Path, tmp_path: Path) -> None:
    grader = tmp_path / "grader.json"
    grader.write_text(json.dumps({"type": "regex", "pattern": "<a>(.*)</a>", "reference": "{{ item.answer }}"}))
    refused = run(grader, prompts)
    assert refused.exit_code == 1
    assert "The grader gives 0 to every answer" in refused.output
    assert run(grader, prompts, "--answer", "<a>{{ item.answer }}</a>").exit_code == 0
    for wrong in ("- a", '{"type": "python", "source": "def grade(sample, item): return 1"}', '{"type": "opinion"}'):
        grader.write_text(wrong)
        assert run(grader, prompts).exit_code == 65


def test_a_dataset_without_prompts_is_told(examples: Path, tmp_path: Path) -> None:
    grader = tmp_path / "grader.json"
    grader.write_text('{"type": "length"}')
    told = run(grader, examples)
    assert (told.exit_code, "has no prompts with columns to grade against" in told.stderr) == (65, True)


def test_every_form_is_documented_and_every_example_is_a_grader() -> None:
    text = DOCS.read_text()
    forms = {form.model_fields["type"].default: form for form in get_args(get_args(Grader)[0])}
    for name, form in forms.items():
        assert f"| `{name}` |" in text
        row = text.split(f"| `{name}` |")[1].split("\n")[0]
        assert [field for field in form.model_fields if field not in ("type", "name") and f"`{field}`" not in row] == []
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    blocks = re.findall(r"```json\n(.*?)```", text, re.S)
    shown += [json.loads(one) for block in blocks for one in re.split(r"\n(?=\{)", block)]
    assert {read_grader(content).type for content in shown} == set(forms) - {"python"}
