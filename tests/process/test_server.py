"""Killing the web server does not touch the training; a restarted one finds it and knows how it is."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from served import ServedStudio

from core.feed import Feed
from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.run_folder import RunFolder
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status

pytestmark = pytest.mark.process

ALICE = Actor("Alice", "alice@example.org")


@pytest.fixture
def home(tiny_home: Home) -> Home:
    return tiny_home


@pytest.fixture
def server(home: Home) -> Iterator[ServedStudio]:
    # Converting the starter would take the processor away from what is tested here.
    server = ServedStudio(home.path, "--no-starter")
    yield server
    server.end()


def queue_job(home: Home, tmp_path: Path, *, epochs: int) -> str:
    """A job in the queue of a studio that is not served yet. One short row a step: many steps, quickly done."""
    path = tmp_path / "rows.jsonl"
    rows = [
        [{"role": "user", "content": f"Number {n}?"}, {"role": "assistant", "content": f"It is {n}. " * 6}]
        for n in range(80)
    ]
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in rows))
    studio = Studio(home)
    studio.open()
    dataset = studio.datasets.add(path, name="numbers", actor=ALICE)
    hyperparameters = Hyperparameters(epochs=epochs, batch_size=64)
    job = studio.runs.submit(JobSpec(model="tiny", dataset=dataset.id, hyperparameters=hyperparameters), actor=ALICE)
    studio.close()
    return job.id


def wait_for_status(home: Home, job_id: str, *wanted: Status, timeout_s: float) -> Status:
    studio = Studio(home)
    deadline = time.monotonic() + timeout_s
    while (status := studio.runs.get(job_id).status) not in wanted:
        assert time.monotonic() < deadline, f"still {status} after {timeout_s} s, wanted {wanted}"
        time.sleep(0.05)
    studio.close()
    return status


def test_killed_three_times_the_run_goes_on_and_every_step_is_there_once(
    home: Home, server: ServedStudio, tmp_path: Path
) -> None:
    job_id = queue_job(home, tmp_path, epochs=10)
    server.start()
    wait_for_status(home, job_id, Status.RUNNING, timeout_s=90)
    for downtime_s in (0, 3, 10):
        server.kill()
        time.sleep(downtime_s)
        server.start()
        ended = (home.runs / job_id / "attempts" / "1" / "exit.json").exists()
        wait_for_status(home, job_id, Status.COMPLETED if ended else Status.RUNNING, timeout_s=2)
    wait_for_status(home, job_id, Status.COMPLETED, timeout_s=120)

    assert [path.name for path in (home.runs / job_id / "attempts").iterdir()] == ["1"]
    history = Feed(home.runs, lambda update: None).history(job_id)
    steps = [point.step for point in history.series["loss"]]
    assert steps == list(range(1, history.training.total + 1))
    assert len(steps) >= 500
    assert manifest.damage(home.runs / job_id / "output") is None


def test_a_cancel_outlives_a_restart(home: Home, server: ServedStudio, tmp_path: Path) -> None:
    job_id = queue_job(home, tmp_path, epochs=1000)
    server.start()
    wait_for_status(home, job_id, Status.RUNNING, timeout_s=90)
    server.kill()
    studio = Studio(home)
    studio.runs.cancel(job_id, actor=ALICE)
    studio.close()
    server.start()
    wait_for_status(home, job_id, Status.CANCELLED, timeout_s=60)
    assert not any(is_trainer_of(home, process) for process in psutil.process_iter())


def test_a_killed_trainer_goes_on_by_itself_and_a_crash_loop_ends(
    home: Home, server: ServedStudio, tmp_path: Path
) -> None:
    job_id = queue_job(home, tmp_path, epochs=1000)
    server.start()
    # Killed as soon as it runs, again and again: it never gets further.
    for attempt in range(1, 5):
        if wait_for_attempt(home, job_id, attempt) is Status.FAILED:
            break
        kill_trainer(home, job_id, attempt)
    wait_for_status(home, job_id, Status.FAILED, timeout_s=30)
    studio = Studio(home)
    failed = studio.runs.get(job_id)
    studio.close()
    assert failed.cause == "killed_externally"
    assert "SIGKILL" in failed.message
    assert 1 <= failed.restarts <= 3
    assert "without getting further" in failed.message


def wait_for_attempt(home: Home, job_id: str, attempt: int) -> Status:
    """Until this attempt runs, or the job has been given up."""
    studio = Studio(home)
    deadline = time.monotonic() + 90
    while (job := studio.runs.get(job_id)).status is not Status.FAILED:
        if job.attempt == attempt and job.status is Status.RUNNING:
            break
        assert time.monotonic() < deadline, f"attempt {job.attempt} is {job.status}"
        time.sleep(0.05)
    studio.close()
    return job.status


def kill_trainer(home: Home, job_id: str, attempt: int) -> None:
    trainer = RunFolder(home.runs / job_id).attempt(attempt).processes()[1]
    assert trainer.is_alive
    os.kill(trainer.pid, signal.SIGKILL)


def is_trainer_of(home: Home, process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return "training.trainer" in command and str(home.path) in command[-1]


def test_a_second_server_is_told_where_the_first_is(home: Home, server: ServedStudio) -> None:
    server.start()
    second = ServedStudio(home.path, "--no-starter")
    with pytest.raises(AssertionError, match="already served by process"):
        second.start()
    assert server.stop() == -signal.SIGTERM  # uvicorn closes everything, then lets the signal have its way


def test_strangers_are_refused_on_http_and_websocket(server: ServedStudio) -> None:
    server.start()
    page = "/dashboard/fine-tuning"
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    with httpx.Client(base_url=server.url) as client:
        own = client.get(page)
        assert own.status_code == 200
        assert "frame-ancestors 'none'" in own.headers["content-security-policy"]
        assert client.get(page, headers={"Host": "evil.example"}).status_code == 421
        assert client.post(page, headers={"Origin": "http://127.0.0.1:1"}).status_code == 403
        assert client.get(socket, headers=upgrade | {"Origin": "http://evil.example"}).status_code == 403
