"""From a job to an address that answers: real workers behind a real studio, asked by OpenAI's own client."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
from served import TUNESMITH, ServedStudio, clean_environment
from standin import add_tiny_model

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage.methods import Full, Lora, Method
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status

pytestmark = pytest.mark.process

ALICE = Actor("Alice", "alice@example.org")
BY_ADAPTER, BY_WHOLE = "Because of the light.", "That is all."
ASKED = "Question 3: why is the sky blue?"


@pytest.fixture(scope="module")
def home(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A data folder with the tiny model, and two jobs in its queue: an adapter and a whole model."""
    home = Home(tmp_path_factory.mktemp("deployed") / "home")
    home.prepare()
    add_tiny_model(home, tiny_model)
    studio = Studio(home)
    studio.open()

    def queue(name: str, method: Method, answer: str) -> None:
        rows = home.path / f"{name}.jsonl"
        messages = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": answer}]
        rows.write_text((json.dumps({"messages": messages}) + "\n") * 12)
        dataset = studio.datasets.add(rows, name=name, actor=ALICE)
        asked = Hyperparameters(epochs=8, batch_size=256, learning_rate=1e-2)
        spec = JobSpec(
            model="tiny", dataset=dataset.id, job_id=name, output_name=name, method=method, hyperparameters=asked
        )
        studio.runs.submit(spec, actor=ALICE)

    queue("sky-adapter", Lora(rank=32, alpha=64, dropout=0), BY_ADAPTER)
    queue("sky-whole", Full(), BY_WHOLE)
    studio.close()
    return home


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[ServedStudio]:
    """It has trained both jobs and deployed the first as `support`."""
    server = ServedStudio(home.path, "--no-starter")
    server.start()
    try:
        for job in ("sky-adapter", "sky-whole"):
            wait_until(lambda job=job: completed(home, job), f"{job} is completed", 180)
        command(home, "deploy", "sky-adapter", "--name", "support")
        yield server
    finally:
        server.end()


@pytest.fixture(scope="module")
def client(server: ServedStudio) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120)


def completed(home: Home, job: str) -> bool:
    studio = Studio(home)
    status = studio.runs.get(job).status
    studio.close()
    assert status not in (Status.FAILED, Status.CANCELLED)
    return status is Status.COMPLETED


def command(home: Home, *words: str) -> str:
    asked = [TUNESMITH, *words, "--data-dir", home.path]
    done = subprocess.run(asked, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(condition: Any, what: str, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"It took more than {timeout_s} s until {what}."
        time.sleep(0.05)


def ask(client: openai.OpenAI, model: str, **more: Any) -> Any:
    asked = {"messages": [{"role": "user", "content": ASKED}], "temperature": 0, "max_tokens": 12}
    return client.chat.completions.create(model=model, **{**asked, **more})


def text(client: openai.OpenAI, model: str) -> str:
    return str(ask(client, model).choices[0].message.content)


def workers(server: ServedStudio) -> list[psutil.Process]:
    assert server.process
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if "serving" in child.cmdline()]


def test_a_deployment_answers_as_it_was_trained_to_plain_and_streamed(client: openai.OpenAI) -> None:
    answer = ask(client, "support")
    assert answer.choices[0].message.content == BY_ADAPTER
    assert answer.model == "support"
    assert answer.usage.completion_tokens > 0
    streamed = list(ask(client, "support", stream=True))
    parts = [chunk.choices[0].delta.content or "" for chunk in streamed]
    assert "".join(parts) == answer.choices[0].message.content
    assert len(parts) > 3
    assert text(client, "tiny") != BY_ADAPTER


def test_models_outputs_and_checkpoints_answer_to_their_names(client: openai.OpenAI, home: Home) -> None:
    listed = [model.id for model in client.models.list()]
    assert {"support", "tiny", "nobody/tiny", "sky-adapter", "sky-whole"} <= set(listed)
    assert client.models.retrieve("nobody/tiny").owned_by == "Nobody"
    assert text(client, "sky-whole") == BY_WHOLE
    step = max(int(path.name.removeprefix("step-")) for path in (home.runs / "sky-adapter/checkpoints").glob("step-*"))
    assert text(client, f"sky-adapter@{step}") == text(client, "sky-adapter") == BY_ADAPTER


def test_what_cannot_be_answered_is_said_as_openai_says_it(client: openai.OpenAI, server: ServedStudio) -> None:
    with pytest.raises(openai.NotFoundError, match=r"There is no model.*“nobody”.*Available: support") as missing:
        ask(client, "nobody")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match=r"no checkpoint of step 999999"):
        ask(client, "sky-adapter@999999")
    with pytest.raises(openai.BadRequestError):
        ask(client, "support", temperature=9)
    url = f"{server.url}/v1/chat/completions"
    assert httpx.post(url, content=b"{").json()["error"]["code"] == "invalid_json"
    too_large = httpx.post(url, content=b" " * (9 * 1024**2))
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "request_too_large")
    foreign = {"Origin": "http://evil.example"}
    assert httpx.get(f"{server.url}/v1/models", headers=foreign).json()["error"]["type"] == "permission_error"


def test_a_client_that_hangs_up_frees_its_slots(client: openai.OpenAI, home: Home) -> None:
    # Never-ending answers: the tiny model would have written a single one before we look.
    stream = ask(client, "support", stream=True, n=16, max_tokens=400, logit_bias={"2": -100})
    next(iter(stream))
    assert slots(home) > 0
    stream.close()
    wait_until(lambda: slots(home) == 0, "the slots are free", 1)


def test_the_list_says_how_each_stands_in_the_studio_that_serves(client: openai.OpenAI, home: Home) -> None:
    assert text(client, "support") == BY_ADAPTER
    [row] = map(json.loads, command(home, "deployments", "ls", "--json").splitlines())
    assert (row["name"], row["state"], row["engine"]) == ("support", "ready", "llama.cpp")
    assert row["reason"] == "Answers with llama.cpp on this machine's processor."
    assert row["requests"] > 0
    assert "ready" in command(home, "deployments", "ls")


def slots(home: Home) -> int:
    """How many answers are being written now, over all workers."""
    running = 0
    for socket in home.workers.glob("*/socket"):
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as worker:
            running += worker.get("http://worker/health").json()["running"]
    return running


def test_a_switch_under_load_drops_nothing(client: openai.OpenAI, home: Home) -> None:
    answers: list[str] = []
    has_switched = threading.Event()

    def keep_asking() -> None:
        after = 0
        while after < 2:  # each asker sees the new one, and what comes after it
            answers.append(text(client, "support"))
            after += has_switched.is_set()

    askers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        command(home, "deployments", "switch", "support", "sky-whole")
        wait_until(lambda: text(client, "support") == BY_WHOLE, "the switch is made")
    finally:
        has_switched.set()
        for asker in askers:
            asker.join()
    assert set(answers) == {BY_ADAPTER, BY_WHOLE}
    assert answers[-1] == BY_WHOLE
    command(home, "deployments", "switch", "support", "sky-adapter")
    wait_until(lambda: text(client, "support") == BY_ADAPTER, "it is switched back")


def test_a_killed_worker_comes_back_and_says_so_meanwhile(client: openai.OpenAI, server: ServedStudio) -> None:
    assert text(client, "support") == BY_ADAPTER
    killed = workers(server)
    for worker in killed:
        os.kill(worker.pid, 9)
    psutil.wait_procs(killed, 10)
    refused: list[openai.APIStatusError] = []

    def answers_again() -> bool:
        try:
            return text(client, "support") == BY_ADAPTER
        except openai.APIStatusError as error:
            refused.append(error)
            return False

    wait_until(answers_again, "the worker is back")
    assert refused
    for error in refused:
        assert error.status_code == 503
        assert 1 <= int(error.response.headers["retry-after"]) <= 60
        assert "signal 9" in error.message


def test_a_stopped_deployment_refuses_and_a_restarted_studio_answers(
    client: openai.OpenAI, server: ServedStudio, home: Home
) -> None:
    command(home, "deployments", "stop", "support")
    with pytest.raises(openai.NotFoundError, match="is stopped"):
        ask(client, "support")
    command(home, "deployments", "start", "support")
    assert text(client, "support") == BY_ADAPTER
    old = workers(server)
    server.kill()
    assert psutil.wait_procs(old, 10)[1] == []  # no worker outlives its studio
    server.start()
    assert text(client, "support") == BY_ADAPTER
