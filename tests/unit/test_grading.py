"""Trying a grader before training: answers are made up from the rows, and a reward that teaches nothing is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import BadInput
from core.grading.candidates import candidates
from core.grading.instances import instance_of
from core.grading.reading import as_text, content_of, problems, read_grader
from core.grading.trials import GraderTrial, require_grader, require_spread
from core.people import Actor
from core.studio import Studio
from graders.allowance import ALLOW_VARIABLE
from storage.jobs import Query
from storage.objectives import Rft
from storage.rows import Row, RowsWriter
from storage.spec import JobSpec, ModelRef, Objective

ALICE = Actor("Alice", "alice@example.org")
ROWS = [
    {"messages": [{"role": "user", "content": f"What is {number} + {number}?"}], "item": {"answer": str(2 * number)}}
    for number in range(1, 31)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A version of thirty sums."""
    writer = RowsWriter(tmp_path)
    for at, row in enumerate(ROWS, start=1):
        writer.add(row, at)
    writer.close()
    return tmp_path


@pytest.fixture
def python_allowed() -> Any:
    os.environ[ALLOW_VARIABLE] = "1"
    yield
    del os.environ[ALLOW_VARIABLE]


def rft(grader: dict[str, Any], *answers: str) -> Rft:
    return Rft(grader=read_grader(grader), try_answers=answers)


def program(body: str) -> dict[str, Any]:
    return {"type": "python", "source": f"def grade(sample, item):\n    {body}"}


NUMERIC = {"type": "numeric_answer", "reference": "{{ item.answer }}"}


def test_answers_are_made_up_from_the_rows() -> None:
    rows = [Row(number, number + 1, content) for number, content in enumerate(ROWS)]
    made = list(candidates(rows, 0, read_grader(NUMERIC), ["It is {{ item.answer }}."], most_words=8))
    assert [(candidate.kind, candidate.text) for candidate in made] == [
        ("typed in, 1", "It is 2."),
        ("reference", "2"),
        ("another row's reference", "4"),
        ("prompt echoed", "What is 1 + 1?"),
        ("very long", "What is 1 + 1? What is 1"),
        ("empty", ""),
    ]


def test_a_grader_is_tried_on_twenty_rows_and_its_spread_is_shown(folder: Path) -> None:
    trial = GraderTrial(read_grader(NUMERIC), folder, (), 10, ask=True).result()
    assert trial.rows == 20
    by_kind: dict[str, set[float | None]] = {}
    for tried in trial.tried:
        by_kind.setdefault(tried.kind, set()).add(tried.value)
    assert by_kind["reference"] == {1.0}
    assert by_kind["empty"] == {0.0}
    assert trial.range == (0, 1)
    assert 0 < trial.mean < 1
    assert trial.spread > 0
    assert trial.objection() == ""
    assert {tried.line for tried in trial.tried} == set(range(1, 21))


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ({"type": "regex", "pattern": "(?s).*"}, "The grader gives 1 to every answer"),
        ({"type": "string_check", "reference": "nobody ever says this", "operation": "like"}, ""),
        ({"type": "regex", "pattern": "<answer>"}, "The grader gives 0 to every answer"),
        (
            {"type": "text_similarity", "input": "{{ item.answer }}", "reference": "2 4 6"},
            "The grader gives all answers to a prompt the same reward",
        ),
        ({"type": "string_check", "reference": "{{ item.nothing }}"}, "There is no item.nothing; item has answer."),
        (
            {"type": "multi", "graders": {"right": NUMERIC}, "calculate_output": "right * 0 + 0.5"},
            "The grader gives 0.5 to every answer",
        ),
    ],
)
def test_a_reward_that_teaches_nothing_is_refused(folder: Path, grader: dict[str, Any], said: str) -> None:
    if not said:
        require_spread(rft(grader), folder)  # the text that it looks for is among the answers
        return
    with pytest.raises(BadInput, match=said):
        require_spread(rft(grader), folder)


def test_an_answer_that_is_typed_in_shows_what_the_grader_wants(folder: Path) -> None:
    tagged = {"type": "regex", "pattern": r"<answer>(\d+)</answer>", "reference": "{{ item.answer }}"}
    with pytest.raises(BadInput, match="or type in an answer"):
        require_spread(rft(tagged), folder)
    require_spread(rft(tagged, "So it is <answer>{{ item.answer }}</answer>"), folder)


def test_a_judge_is_not_asked_at_submission_yet_a_formula_that_ignores_it_is_found(folder: Path) -> None:
    judge = {
        "type": "score_model", "model": "judge", "endpoint": "http://127.0.0.1:9/v1",
        "input": [{"role": "user", "content": "Rate {{ sample.output_text }}"}],
    }  # fmt: skip
    require_spread(rft(judge), folder)
    with pytest.raises(BadInput, match="gives 0 to every answer"):
        require_spread(rft({"type": "multi", "graders": {"liked": judge}, "calculate_output": "liked - liked"}), folder)
    with pytest.raises(BadInput, match="gives 0 to every answer"):
        require_spread(rft(judge | {"range": [0, 0]}), folder)


def test_a_pattern_without_end_is_ended(folder: Path) -> None:
    """jsonschema uses `re`, which nothing inside the process can stop."""
    endless = {"type": "json_schema", "json_schema": {"type": "string", "pattern": "^(a+)+$"}}
    answers = [json.dumps("a" * 40 + "b")]
    trial = GraderTrial(read_grader(endless), folder, answers, 10, ask=False, patience_s=2)
    with pytest.raises(BadInput, match="took longer than 2 s"):
        trial.result()


def test_python_is_refused_before_anything_starts_unless_allowed() -> None:
    with pytest.raises(BadInput, match=f"switched off here.*{ALLOW_VARIABLE}=1"):
        require_grader(rft({"type": "multi", "graders": {"mine": program("return 1")}, "calculate_output": "mine"}))
    with pytest.raises(BadInput, match="needs a grader"):
        require_grader(Rft())


def test_a_program_ends_with_whoever_asked_it() -> None:
    """A killed trial left its endless program computing: the lock's outer process waited for the inner one."""
    script = (
        "import sys; from graders.python_grader import PythonGrader\n"
        "with PythonGrader('def grade(s, i):\\n while True: pass', answer_s=60) as g:\n"
        "    print(g._process.pid, flush=True); g.grade({}, {})\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as asker:
        assert asker.stdout
        outer = psutil.Process(int(asker.stdout.readline()))
        (inner,) = outer.children()
        asker.kill()
    gone, alive = psutil.wait_procs([outer, inner], timeout=20)
    assert not alive, gone


def test_a_grader_is_read_as_people_write_it() -> None:
    listed = {"type": "multi", "calculate_output": "right", "graders": [NUMERIC | {"name": "right"}]}
    for text in (json.dumps(listed), as_text(listed, is_yaml=True)):
        assert list(read_grader(content_of(text)).graders) == ["right"]  # type: ignore[union-attr]
    for wrong, said in (
        ("- 1", "A grader is an object"),
        ("{", "neither JSON nor YAML"),
        ("a: &x [1]\nb: [*x, *x]", "aliases"),
    ):
        with pytest.raises(BadInput, match=said):
            content_of(wrong)


def test_what_is_wrong_with_a_grader_is_told_by_its_place() -> None:
    wrong = {"type": "multi", "calculate_output": "", "graders": {"brief": {"type": "length", "most": "many"}}}
    found = problems(wrong)
    assert found["calculate_output"] == "is empty; give a value."
    assert found["graders.brief.most"].startswith("cannot be “many”")
    assert "string_check" in problems({"type": "opinion"})[""]
    assert "“type”" in problems({})[""]


def test_a_schema_gets_a_value_that_fits_it() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 6},
            "kind": {"enum": ["a", "b"]},
            "sizes": {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2},
        },
    }
    assert instance_of(schema) == {"city": "textxx", "kind": "a", "sizes": [3, 3]}
    turning: dict[str, Any] = {"type": "object"}
    turning["properties"] = {"again": turning}
    assert json.dumps(instance_of(turning))


@pytest.fixture
def sums(studio: Studio, model: ModelRef, tmp_path: Path) -> JobSpec:
    """A job for the sums, without a grader."""
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps({"messages": row["messages"], **row["item"]}) + "\n" for row in ROWS))  # type: ignore[dict-item]
    dataset = studio.datasets.add(path, name=None, actor=ALICE)
    return JobSpec(objective=Objective.RFT, model=model.id, dataset=dataset.id)


def refused(studio: Studio, spec: JobSpec, rft: Rft) -> str:
    """What a submission is answered; nothing of it stays."""
    with pytest.raises(BadInput) as told:
        studio.runs.submit(spec.model_copy(update={"rft": rft}), actor=ALICE)
    assert studio.runs.search(Query(objective=Objective.RFT)).rows == ()
    assert list(studio.home.runs.iterdir()) == []
    return str(told.value)


def test_a_job_with_a_constant_reward_is_not_queued(studio: Studio, sums: JobSpec) -> None:
    assert "needs a grader" in refused(studio, sums, Rft())
    assert "gives 1 to every answer" in refused(studio, sums, rft({"type": "regex", "pattern": "(?s).*"}))
    assert "switched off here" in refused(studio, sums, rft(program("return 1")))
    job = studio.runs.submit(sums.model_copy(update={"rft": rft(NUMERIC)}), actor=ALICE)
    assert studio.runs.run_spec(job.id).rft.grader == read_grader(NUMERIC)


@pytest.mark.usefixtures("python_allowed")
def test_a_job_with_a_hostile_program_is_not_queued(studio: Studio, sums: JobSpec) -> None:
    assert "for one answer and was ended" in refused(studio, sums, rft(program("while True: pass")))
    home = "import os; return len(os.listdir(os.path.expanduser('~root')))"
    assert "could score none of the" in refused(studio, sums, rft(program(home)))
    # A gigabyte in all, over 120 answers or so.
    assert "gives 0 to every answer" in refused(studio, sums, rft(program("print('x' * 10 ** 7); return 0")))
