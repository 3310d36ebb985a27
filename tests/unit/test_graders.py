"""Graders: what each says of known answers, and what a hostile one gets: nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import TypeAdapter

from graders.score import GraderError, Score
from graders.scorer import Scorer
from storage.graders import Grader

ITEM = {"answer": "The total is 1,234.", "name": "Ada", "tags": ["x", "y"]}
READ: TypeAdapter[Grader] = TypeAdapter(Grader)


def graded(grader: dict[str, Any], text: str, item: dict[str, Any] | None = None, **options: Any) -> Score:
    with Scorer(READ.validate_python(grader), allow_python=True, **options) as scorer:
        return scorer.score(ITEM if item is None else item, text)


@pytest.mark.parametrize(
    ("grader", "text", "value"),
    [
        ({"type": "string_check", "reference": "{{ item.name }}"}, "Ada", 1),
        ({"type": "string_check", "reference": "{{ item.name }}"}, "ada", 0),
        ({"type": "string_check", "reference": "{{ item.name }}", "operation": "ne"}, "ada", 1),
        ({"type": "string_check", "reference": "{{ item.tags[1] }}", "operation": "like"}, "only y", 1),
        ({"type": "string_check", "reference": "ADA", "operation": "ilike"}, "I am Ada.", 1),
        ({"type": "numeric_answer", "reference": "{{ item.answer }}"}, "12 + 1222 = 1234", 1),
        ({"type": "numeric_answer", "reference": "{{ item.answer }}"}, "1235", 0),
        ({"type": "numeric_answer", "reference": "{{ item.answer }}"}, "no idea", 0),
        ({"type": "regex", "pattern": r"^\d+$"}, "42", 1),
        ({"type": "regex", "pattern": r"#### (\d+)", "reference": "7"}, "so #### 7", 1),
        ({"type": "regex", "pattern": r"#### (\d+)", "reference": "7"}, "so #### 8", 0),
        ({"type": "json_schema", "json_schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', 1),
        ({"type": "json_schema", "json_schema": {"type": "object", "required": ["a"]}}, "[]", 0),
        ({"type": "json_schema", "json_schema": {"type": "object"}}, "not json", 0),
        ({"type": "length", "least": 2, "most": 4}, "one two three", 1),
        ({"type": "length", "least": 2, "most": 4}, "one", 0.5),
        ({"type": "length", "most": 4}, "1 2 3 4 5 6", 0.5),
        ({"type": "text_similarity", "reference": "the cat sat"}, "the cat sat", 1),
        ({"type": "text_similarity", "reference": "a b c d", "evaluation_metric": "rouge_1"}, "a b x y", 0.5),
        ({"type": "text_similarity", "reference": "a b c d", "evaluation_metric": "rouge_l"}, "a x c y", 0.5),
        ({"type": "text_similarity", "reference": "a b c d e", "evaluation_metric": "bleu"}, "a b c d e", 1),
        ({"type": "text_similarity", "reference": "a b", "evaluation_metric": "gleu"}, "a c", 1 / 3),
        ({"type": "python", "source": "def grade(sample, item):\n return len(sample['output_text']) / 4"}, "ab", 0.5),
    ],
)  # fmt: skip
def test_a_known_answer_gets_its_score(grader: dict[str, Any], text: str, value: float) -> None:
    assert graded(grader, text) == Score(pytest.approx(value))


MULTI = {
    "type": "multi",
    "graders": {
        "right": {"type": "numeric_answer", "reference": "{{ item.answer }}"},
        "brief": {"type": "length", "most": 5},
    },
    "calculate_output": "max(0, 0.8 * right + 0.2 * brief ^ 2)",
}


def test_a_multi_grader_calculates_over_its_members() -> None:
    assert graded(MULTI, "It is 1234") == Score(pytest.approx(1.0), {"right": 1.0, "brief": 1.0})
    assert graded(MULTI, "It is 5").value == pytest.approx(0.2)


@pytest.mark.parametrize(
    "formula",
    [
        "right +",
        "__import__('os')",
        "right.__class__",
        "9 ** 9 ** 9",
        "right / 0",
        "nobody",
        "[1 for _ in right]",
        "'a'",
    ],
)
def test_a_formula_can_only_calculate(formula: str) -> None:
    score = graded(MULTI | {"calculate_output": formula}, "1234")
    assert score.value is None
    assert "formula" in score.error


def test_a_template_only_looks_up() -> None:
    told = graded({"type": "string_check", "reference": "{{ item.nothing }}"}, "x")
    assert told.error == "There is no item.nothing; item has answer, name, tags."
    untouched = {"type": "string_check", "reference": "{{ item.__class__ }}{% for x in y %}"}
    assert graded(untouched, "x").value is None


def test_an_endless_pattern_is_stopped() -> None:
    score = graded({"type": "regex", "pattern": r"(a|aa|a?a)+$"}, "a" * 60 + "b")
    assert "took longer" in score.error


@pytest.fixture
def judge() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An endpoint that speaks chat completions and always says the same."""
    heard: list[dict[str, Any]] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"choices": [{"message": {"content": "I would give 0.7"}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", heard
        server.shutdown()
        thread.join()


def test_another_model_is_asked_for_a_score(judge: tuple[str, list[dict[str, Any]]]) -> None:
    address, heard = judge
    grader = {
        "type": "score_model", "model": "judge", "endpoint": address,
        "input": [{"role": "user", "content": "Rate {{ sample.output_text }} for {{ item.name }}"}],
        "sampling_params": {"temperature": 0, "stream": True},
    }  # fmt: skip
    assert graded(grader, "this").value == pytest.approx(0.7)
    assert heard == [
        {"model": "judge", "messages": [{"role": "user", "content": "Rate this for Ada"}], "temperature": 0}
    ]


def test_a_judge_that_is_not_there_is_told() -> None:
    grader = {
        "type": "score_model", "model": "judge", "endpoint": "http://127.0.0.1:9/v1",
        "input": [{"role": "user", "content": "?"}],
    }  # fmt: skip
    assert "gave the grader no answer" in graded(grader, "this").error


def hostile(body: str, **options: Any) -> Score:
    source = "def grade(sample, item):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return graded({"type": "python", "source": source}, "x", **options)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return open('/etc/passwd').read()", "PermissionError"),
        ("import os; return os.listdir(os.path.expanduser('~'))", "Error"),
        ("return open('/tmp/out', 'w').write('x')", "Error"),
        ("import os; return os.environ['HOME']", "KeyError"),
        ("import socket; return socket.create_connection(('127.0.0.1', 80), 1)", "Error"),
        ("import socket; s = socket.socket(2, 2); return s.sendto(b'x', ('127.0.0.1', 53))", "Error"),
        ("import os; return os.kill(os.getppid(), 9)", "Error"),
        ("import subprocess; return subprocess.run(['/bin/ls'])", "Error"),
        ("import os; return os.fork()", "Error"),
        ("import threading; t = threading.Thread(target=print); t.start(); return 1", "Error"),
        ("import ctypes; return ctypes.CDLL(None).fork() / 0", "Error"),
        ("return open('/proc/1/environ').read()", "PermissionError"),
        ("return len(bytearray(10 ** 9))", "MemoryError"),
        ("return float('nan')", "nan"),
        ("raise SystemExit(1)", "SystemExit"),
    ],
)
def test_a_hostile_grader_gets_nothing(body: str, said: str) -> None:
    score = hostile(body)
    assert score.value is None
    assert said in score.error


def test_one_that_prints_a_gigabyte_only_wastes_its_breath() -> None:
    assert hostile("for _ in range(1000): print('x' * 1_000_000)\nreturn 0.5").value == 0.5


def test_an_endless_one_is_ended_and_the_next_answer_is_scored() -> None:
    from graders.python_grader import Endless, PythonGrader

    source = "def grade(sample, item):\n while item['hang']: pass\n return 1"
    with PythonGrader(source, answer_s=0.5) as grader:
        with pytest.raises(Endless, match="took longer"):
            grader.grade({}, {"hang": True})
        assert grader.grade({}, {"hang": False}) == 1


def test_a_broken_program_is_told_with_its_line() -> None:
    with pytest.raises(GraderError, match=r"Line 2: ZeroDivisionError"):
        graded({"type": "python", "source": "x = 1\ny = 1 / 0"}, "x")
    with pytest.raises(GraderError, match=r"no function grade"):
        graded({"type": "python", "source": "x = 1"}, "x")


def test_python_is_off_unless_allowed() -> None:
    grader = READ.validate_python({"type": "python", "source": "def grade(s, i): return 1"})
    with pytest.raises(GraderError, match="switched off"), Scorer(grader, allow_python=False):
        pass
