"""Commands while a studio serves the folder: requests through the inbox, one sentence back, nothing done twice."""

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import main
from core.errors import Conflict
from core.home import Home
from core.inbox import Answer, Inbox, Request
from core.people import Actor
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Metric
from storage.jobs import Query
from storage.run_folder import Request as Asked
from storage.spec import JobSpec, ModelRef
from storage.status import Status

ALICE = Actor("Alice", "alice@example.org")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_commands_reach_the_studio_that_serves(served: Studio, asked: JobSpec) -> None:
    job = served.runs.submit(asked, actor=ALICE)
    folder = served.home.path
    for command, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
        result = run("jobs", command, job.id, "--data-dir", folder)
        assert result.exit_code == 0, result.output
        assert f"{job.id} is {status}." in result.output
        assert served.runs.get(job.id).status == status
    assert [path for path in served.home.inbox.iterdir()] == []


def test_a_refusal_comes_back_as_the_same_sentence(served: Studio, asked: JobSpec) -> None:
    job = served.runs.submit(asked, actor=ALICE)
    result = run("jobs", "rm", job.id, "--data-dir", served.home.path)
    assert result.exit_code == 65
    assert "is queued, so it cannot be deleted. Cancel it first" in " ".join(result.stderr.split())
    assert "There is no job “nobody”" in run("jobs", "cancel", "nobody", "--data-dir", served.home.path).stderr


def test_commands_act_directly_where_nobody_serves(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    assert "is cancelled" in run("jobs", "cancel", job.id, "--data-dir", studio.home.path).output
    told = json.loads(run("jobs", "rm", job.id, "--json", "--data-dir", studio.home.path).output)
    assert told == {"job": job.id, "said": f"{job.id} is deleted."}
    assert studio.runs.search(Query()).total == 0
    assert not studio.home.is_served()


def test_a_live_trainer_is_asked_although_nobody_serves(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    claimed = studio.runs.claim_next()
    assert claimed
    attempt = studio.runs.folder(job.id).attempt(1)
    attempt.claim(claimed.token)
    assert "is cancelling" in run("jobs", "cancel", job.id, "--data-dir", studio.home.path).output
    assert attempt.requested() is Asked.CANCEL


def test_train_hands_over_and_follows(served: Studio, model: ModelRef, examples: Path) -> None:
    """Somebody else runs it: here a thread that plays the trainer's part, once the job is there."""
    arrived = threading.Event()

    def play() -> None:
        arrived.wait(20)
        claimed = served.runs.claim_next()
        assert claimed
        attempt = served.runs.folder(claimed.id).attempt(1)
        attempt.claim(claimed.token)
        events = EventWriter(attempt.events)
        events.append(Metric(step=1, epoch=1.0, values={"loss": 0.5}))
        events.close()
        served.runs.move(claimed, Status.COMPLETED, eval_loss=0.25)

    playing = threading.Thread(target=play)
    playing.start()
    watching = threading.Thread(target=lambda: wait_for_job(served, arrived))
    watching.start()
    result = run("train", examples, "--model", "tiny", "--json", "--data-dir", served.home.path)
    playing.join()
    watching.join()
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout.splitlines()[-1])
    assert (last["type"], last["status"], last["eval_loss"]) == ("result", "completed", 0.25)
    assert served.runs.get(last["job"]).dataset_name == "greetings"


def wait_for_job(studio: Studio, arrived: threading.Event) -> None:
    studio.runs.wake.wait(20)
    arrived.set()


def test_bad_fields_are_refused_by_the_studio_too(served: Studio, model: ModelRef, examples: Path) -> None:
    result = run("train", examples, "--model", "tiny", "--epochs", "0", "--data-dir", served.home.path)
    assert result.exit_code == 65
    assert "hyperparameters.epochs: Input should be greater" in result.stderr
    assert served.runs.search(Query()).total == 0


def test_a_studio_that_does_not_answer_is_named_and_nothing_stays(home: Home) -> None:
    lock = home.lock("http://127.0.0.1:1234")
    with pytest.raises(Conflict, match=r"did not answer within 0 s\. Nothing was changed"):
        Inbox(home).ask(request("a-1"), patience_s=0.3)
    assert list(home.inbox.iterdir()) == []
    lock.release()


def test_a_request_is_taken_back_where_nobody_serves_any_more(home: Home) -> None:
    assert Inbox(home).ask(request("a-1")) is None
    assert list(home.inbox.iterdir()) == []


def test_a_request_is_done_once_and_nonsense_is_answered(home: Home) -> None:
    inbox = Inbox(home)
    done: list[str] = []

    def execute(asked: Request) -> Answer:
        done.append(asked.job_id)
        return Answer(job_id=asked.job_id, said="Done.")

    (home.inbox / "one.json").write_text(request("a-1").model_dump_json())
    (home.inbox / "two.json").write_text('{"kind": "format_the_disk"}')
    inbox.serve(execute)
    inbox.serve(execute)
    assert done == ["a-1"]
    assert "does not understand" in json.loads((home.inbox / "two.answer.json").read_text())["error"]
    inbox.discard_old()
    assert list(home.inbox.iterdir()) == []


def request(job_id: str) -> Request:
    return Request(kind="cancel", job_id=job_id, actor_name="Alice", actor_email="alice@example.org")


def test_who_asks_is_told_when_the_studio_itself_fails(served: Studio) -> None:
    """A priority that is no number gets past the inbox and is nobody's sentence: it must not be waited for in vain."""
    ask = Request(kind="priority", job_id="nobody", to="high", actor_name=ALICE.name, actor_email=ALICE.email)
    answer = Inbox(served.home).ask(ask)
    assert answer
    assert "Something went wrong in the studio" in answer.error
