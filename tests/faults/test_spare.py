"""The warm spare: it takes the next job over, dies with its server, and no job is ever lost with it."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from served import ServedRunner, ServedStudio
from standin import ALICE, submit, wait_for

from core.home import Home
from core.spare import Spare
from core.spawn import SPARE_FOLDER
from core.studio import Studio
from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE, environment
from storage.status import Status

pytestmark = pytest.mark.process


@pytest.fixture
def warm(home: Home, simulate: Callable[..., None]) -> Iterator[Studio]:
    """A studio whose spare waits."""
    simulate(steps=3)
    studio = Studio(home, patience=0.05, keeps_spare=True)
    studio.start()
    until(lambda: spare_of(home) is not None)
    yield studio
    studio.stop()


def until(holds: Callable[[], object], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def spare_of(home: Home) -> psutil.Process | None:
    """The supervisor that waits, once it is connected and its trainer there."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command[-2:] == ["training.spare", str(home.path / SPARE_FOLDER)]:
            connected = any(line.type == 1 for line in process.net_connections("unix"))
            return process if connected and process.children() else None
    return None


def test_the_spare_becomes_the_trainer_in_the_eyes_of_all(warm: Studio, home: Home) -> None:
    spare = spare_of(home)
    assert spare
    [child] = spare.children()
    job = submit(warm)
    wait_for(warm, job.id, Status.COMPLETED)
    attempt = warm.runs.folder(job.id).attempt(1)
    assert [process.pid for process in attempt.processes()] == [spare.pid, child.pid]
    ended = attempt.exit()
    assert ended
    assert ended.returncode == 0
    assert all((attempt.path / name).exists() for name in ("supervisor.log", "stdout.log", "stderr.log", "heartbeat"))


def test_its_environment_says_whose_trainer_it_is(warm: Studio, home: Home, simulate: Callable[..., None]) -> None:
    """By that it is found when the index is lost, and by that it is proven to be ours before it is signalled."""
    simulate(hang_at=1)
    job = submit(warm)
    wait_for(warm, job.id, Status.RUNNING)
    attempt = warm.runs.folder(job.id).attempt(1)
    for process in attempt.processes():
        told = environment(process.pid)
        assert told[TOKEN_VARIABLE] == attempt.token()
        assert told[FOLDER_VARIABLE] == str(home.runs / job.id)
        assert process.is_alive
    warm.runs.cancel(job.id, actor=ALICE)
    wait_for(warm, job.id, Status.CANCELLED)


def test_a_spare_that_was_killed_while_it_waited_costs_nothing(warm: Studio, home: Home) -> None:
    spare = spare_of(home)
    assert spare
    [child] = spare.children()
    spare.kill()
    child.wait(10)
    job = submit(warm)
    wait_for(warm, job.id, Status.COMPLETED)
    assert spare.pid not in {process.pid for process in warm.runs.folder(job.id).attempt(1).processes()}


def test_a_spare_whose_trainer_died_ends_too(warm: Studio, home: Home) -> None:
    spare = spare_of(home)
    assert spare
    spare.children()[0].kill()
    spare.wait(10)
    job = submit(warm)
    wait_for(warm, job.id, Status.COMPLETED)


@pytest.mark.parametrize("begun", [False, True])
def test_a_spare_that_dies_during_the_hand_over_loses_no_job(warm: Studio, home: Home, begun: bool) -> None:
    """Frozen, it does not answer. Before it has begun the job starts without; after, the reconciler sees to it."""
    spare = spare_of(home)
    assert spare
    spare.send_signal(signal.SIGSTOP)
    job = submit(warm)
    if begun:
        attempt = warm.runs.folder(job.id).attempt(1).path
        until(lambda: (attempt / "claim.json").exists())
        (attempt / "supervisor.log").touch()
    else:
        until(lambda: (warm.runs.folder(job.id).attempt(1).path / "claim.json").exists())
    spare.kill()
    wait_for(warm, job.id, Status.COMPLETED)
    assert warm.runs.get(job.id).attempt == (2 if begun else 1)


def test_the_spare_ends_with_its_server_and_an_attempt_does_not(
    home: Home, index: Studio, simulate: Callable[..., None]
) -> None:
    simulate(steps=40, step_s=0.05)
    server = ServedStudio(home.path, "--no-starter")
    try:
        first = spare_behind(server, home)
        children = first.children()
        server.kill()
        for process in (first, *children):
            process.wait(10)
        second = spare_behind(server, home)
        job = submit(index)
        wait_for(index, job.id, Status.RUNNING)
        attempt = index.runs.folder(job.id).attempt(1)
        assert attempt.processes()[0].pid == second.pid
        server.kill()
        until(attempt.exit)
        ended = attempt.exit()
        assert ended
        assert ended.returncode == 0
    finally:
        server.end()


def spare_behind(server: ServedStudio, home: Home) -> psutil.Process:
    server.start(TUNESMITH_SPARE="on")
    until(lambda: spare_of(home) is not None)
    found = spare_of(home)
    assert found
    return found


def test_with_a_runner_the_spare_is_its_child(home: Home, simulate: Callable[..., None]) -> None:
    """Restarting the web service ends everything in the service's control group."""
    simulate(steps=3)
    runner, studio = ServedRunner(home.path), Studio(home, patience=0.05, keeps_spare=True)
    runner.start()
    studio.start()
    try:
        until(lambda: spare_of(home) is not None)
        spare = spare_of(home)
        assert spare
        assert runner.process
        assert spare.ppid() == runner.process.pid
        job = submit(studio)
        wait_for(studio, job.id, Status.COMPLETED)
        assert studio.runs.folder(job.id).attempt(1).processes()[0].pid == spare.pid
    finally:
        studio.stop()
        runner.end()


def test_with_little_memory_there_is_none(tmp_path: Path) -> None:
    spare = Spare(tmp_path / SPARE_FOLDER, lambda _: pytest.fail("started"), least_free_bytes=2**60)
    spare.tend()
    assert spare.pid == 0
    spare.close()


def test_while_one_is_on_its_way_there_is_no_other(tmp_path: Path) -> None:
    """However long its imports take."""
    sleepers: list[subprocess.Popen[bytes]] = []

    def start(_: Path) -> int:
        sleepers.append(subprocess.Popen(["sleep", "3600"]))
        return sleepers[-1].pid

    spare = Spare(tmp_path / SPARE_FOLDER, start, least_free_bytes=0, renewal_s=0)
    for _ in range(3):
        spare.tend()
    assert len(sleepers) == 1
    sleepers[0].kill()
    sleepers[0].wait()
    spare.tend()
    assert len(sleepers) == 2
    spare.close()
    sleepers[1].kill()
    sleepers[1].wait()
