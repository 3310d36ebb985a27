"""Server and runner as two services: either is killed, or both, and the trainer notices neither."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import ServedRunner, ServedStudio
from standin import ALICE, steps_of, submit, trainers_of, wait_for

from core.home import Home
from core.launcher import REQUIRED, RUNNER_VARIABLE
from core.studio import Studio
from storage.process import environment
from storage.status import Status

pytestmark = pytest.mark.process

Simulate = Callable[..., None]
STEPS = 24


@pytest.fixture
def runner(home: Home) -> Iterator[ServedRunner]:
    runner = ServedRunner(home.path)
    yield runner
    runner.end()


@pytest.fixture
def server(home: Home, simulate: Simulate) -> Iterator[ServedStudio]:
    simulate(steps=STEPS, step_s=0.25)
    server = ServedStudio(home.path, "--no-starter")
    yield server
    server.end()


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """As tunesmith-web.service says it: without the runner nothing starts. Named before `studio`."""
    monkeypatch.setenv(RUNNER_VARIABLE, REQUIRED)


@pytest.mark.parametrize("runs", [True, False], ids=["with a runner", "without one"])
def test_a_service_is_killed_with_all_that_it_started(
    runs: bool, runner: ServedRunner, server: ServedStudio, index: Studio
) -> None:
    if runs:
        runner.start()
    job = submit(index)
    server.start()
    running = wait_for(index, job.id, Status.RUNNING, step=11)
    before = trainers_of(running)
    server.kill_with_children()
    # The reason for the runner: what the server has started itself ends with it, and goes on in a new attempt.
    assert trainers_of(running) == (before if runs else [])
    server.start()
    done = wait_for(index, job.id, Status.COMPLETED, timeout_s=60)
    assert done.attempt == (1 if runs else 2)
    assert steps_of(index, job.id) == list(range(1, STEPS + 1))


def test_the_runner_is_killed_its_trainers_go_on_and_the_next_job_waits_for_it(
    bound: None, runner: ServedRunner, studio: Studio, simulate: Simulate
) -> None:
    simulate(steps=40)
    runner.start()
    first, second = submit(studio), submit(studio)
    running = wait_for(studio, first.id, Status.RUNNING, step=5)
    runner.kill()
    assert len(trainers_of(running)) == 2
    assert wait_for(studio, first.id, Status.COMPLETED).attempt == 1
    assert steps_of(studio, first.id) == list(range(1, 41))

    wait_until(lambda: "Waits for the runner" in studio.queue.waits_because(studio.runs.get(second.id)))
    studio.scheduler.tick()
    assert studio.runs.get(second.id).status is Status.QUEUED
    runner.start()
    assert wait_for(studio, second.id, Status.COMPLETED).attempt == 1


def test_a_runner_that_stands_still_is_waited_for(studio: Studio, runner: ServedRunner, simulate: Simulate) -> None:
    simulate(steps=5)
    runner.start()
    assert runner.process
    runner.process.send_signal(signal.SIGSTOP)
    job = submit(studio)
    wait_until(lambda: "does not answer" in studio.queue.waits_because(studio.runs.get(job.id)))
    assert studio.runs.get(job.id).attempt == 0
    runner.process.send_signal(signal.SIGCONT)
    assert wait_for(studio, job.id, Status.COMPLETED).attempt == 1


def test_cancel_and_pause_reach_what_the_runner_has_started(
    studio: Studio, runner: ServedRunner, simulate: Simulate
) -> None:
    simulate(steps=1000, ignore_signals=True, children=2)
    runner.start()
    job = submit(studio)
    running = wait_for(studio, job.id, Status.RUNNING)
    studio.runs.cancel(job.id, actor=ALICE)
    wait_for(studio, job.id, Status.CANCELLED)
    assert trainers_of(running) == []


def test_secrets_of_neither_reach_the_trainer_and_the_token_is_in_no_argument(
    runner: ServedRunner, server: ServedStudio, index: Studio
) -> None:
    runner.start(HF_TOKEN="hf_of_the_runner")
    job = submit(index)
    server.start(HF_TOKEN="hf_of_the_server")
    running = wait_for(index, job.id, Status.RUNNING)
    for pid in trainers_of(running):
        assert "HF_TOKEN" not in environment(pid)
    assert runner.process
    for pid in (runner.process.pid, *trainers_of(running)):
        assert running.token not in Path(f"/proc/{pid}/cmdline").read_text()
    assert running.token not in runner.log.read_text()
    assert f"Started attempt 1 of {job.id}" in runner.log.read_text()


def test_the_trainer_is_the_runners_child_and_not_the_servers(
    studio: Studio, runner: ServedRunner, simulate: Simulate
) -> None:
    simulate(steps=60)
    runner.start()
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING)
    supervisor = studio.runs.folder(job.id).attempt(1).processes()[0].pid
    parent = int(Path(f"/proc/{supervisor}/stat").read_text().rpartition(")")[2].split()[1])
    assert runner.process
    assert parent == runner.process.pid
    assert os.getsid(supervisor) == supervisor


def wait_until(happened: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)
