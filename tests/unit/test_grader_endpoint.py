"""A grader that is another model: its key goes to runs that ask it only, and its absence is waited for a while."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from core.launcher import launch
from core.spawn import GRADER_VARIABLES, may_be_told, may_inherit
from graders.score_model import ADDRESS_VARIABLES, KEY_VARIABLES, ask
from storage.event_log import EventWriter, read_events
from storage.events import Warn
from storage.graders import GraderMessage, Length, ScoreModel
from storage.objectives import Rft
from storage.run_folder import RunFolder
from storage.spec import Objective, RunSpec
from training.failures import EndpointAway
from training.grading import PAUSES_S, PatientAsk
from training.lifeline import Lifeline
from training.workbench import Workbench

JUDGE = ScoreModel(model="judge", input=(GraderMessage(role="user", content="How good?"),))
REQUEST = {"model": "judge", "messages": []}


@contextmanager
def endpoint(*statuses: int) -> Iterator[tuple[str, list[str]]]:
    """Answers with these statuses, one a request, the last for ever; and the keys that it was shown."""
    left, keys = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers.get("Authorization", ""))
            status = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps({"choices": [{"message": {"content": "0.5"}}]}).encode()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", keys
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def bench(run_spec: RunSpec, tmp_path: Path) -> Iterator[Workbench]:
    run = RunFolder.create(tmp_path, run_spec)
    attempt = run.attempt(1)
    attempt.claim("token")
    bench = Workbench(run=run, events=EventWriter(attempt.events), lifeline=Lifeline(attempt))
    yield bench
    bench.close()


def test_an_endpoint_that_comes_back_has_only_cost_time(bench: Workbench) -> None:
    slept: list[float] = []
    with endpoint(503, 429, 200) as (address, _):
        assert PatientAsk(bench, ask, slept.append)(address, REQUEST) == "0.5"
    assert len(slept) == sum(PAUSES_S[:2])
    [told] = [event for event in read_events(bench.attempt.events).events if isinstance(event, Warn)]
    assert (told.code, "503" in told.message) == ("grader_away", True)


def test_one_that_stays_away_fails_the_run_with_its_name(bench: Workbench) -> None:
    slept: list[float] = []
    with pytest.raises(EndpointAway, match=r"model judge cannot be asked: http://127\.0\.0\.1:9/v1 gave"):
        PatientAsk(bench, ask, slept.append)("http://127.0.0.1:9/v1", REQUEST)
    assert len(slept) == sum(PAUSES_S)


def test_one_that_says_no_is_not_asked_again(bench: Workbench) -> None:
    slept: list[float] = []
    with endpoint(401) as (address, keys), pytest.raises(EndpointAway, match="answered 401"):
        PatientAsk(bench, ask, slept.append)(address, REQUEST)
    assert (len(keys), slept) == (1, [])


def test_the_key_is_told_to_runs_that_ask_the_model_only(
    run_spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(GRADER_VARIABLES) == {*KEY_VARIABLES, *ADDRESS_VARIABLES}
    assert all(may_be_told(name) and not may_inherit(name) for name in GRADER_VARIABLES)
    monkeypatch.setenv("TUNESMITH_GRADER_KEY", "sk-secret")
    told: dict[str, dict[str, str]] = {}
    for name, objective, grader in (
        ("judged", Objective.RFT, JUDGE), ("counted", Objective.RFT, Length()), ("supervised", Objective.SFT, JUDGE)
    ):  # fmt: skip
        spec = run_spec.model_copy(update={"job_id": name, "objective": objective, "rft": Rft(grader=grader)})
        folder = RunFolder.create(tmp_path, spec)
        launch(folder, 1, "token", start=lambda _, environment, name=name: told.update({name: dict(environment)}))
        assert "sk-secret" not in "".join(path.read_text() for path in folder.path.rglob("*") if path.is_file())
    assert {name for name, environment in told.items() if "TUNESMITH_GRADER_KEY" in environment} == {"judged"}
