"""Reading the signs of a live attempt, and never touching what is not ours. The processes are real `sleep`s."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import launcher
from core.devices import SimulatedDevices
from core.health import Pulse
from core.history import Recorder
from core.home import Home
from core.orphans import Orphanage
from core.people import Actor
from core.scheduler import Scheduler
from core.studio import Studio
from storage.events import Metric, Phase
from storage.files import write_json
from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE, ProcessIdentity
from storage.run_folder import Attempt
from storage.spec import JobSpec
from storage.status import Cause, Status
from storage.tables import Job

ALICE = Actor("Alice", "alice@example.org")
TOKEN = "f" * 32
Sleeper = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Start a `sleep` with these variables in its environment."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "600"], env={**os.environ, **variables}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    attempt = Attempt(tmp_path / "attempts" / "1")
    attempt.claim(TOKEN)
    return attempt


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_silence_of_a_minute_is_told_by_our_own_clock(attempt: Attempt) -> None:
    clock, history = Hand(), Recorder().snapshot()
    pulse = Pulse(clock)
    attempt.heartbeat.touch()
    os.utime(attempt.heartbeat, (0, 0))  # the trainer's clock may say what it wants
    assert pulse.feel(attempt, history, Status.RUNNING) == ""
    clock.at += 59
    assert pulse.feel(attempt, history, Status.RUNNING) == ""
    clock.at += 2
    assert pulse.feel(attempt, history, Status.RUNNING).startswith("Unresponsive: no heartbeat for 1 minute,")
    attempt.heartbeat.touch()
    assert pulse.feel(attempt, history, Status.RUNNING) == ""


def test_a_stall_is_ten_usual_steps_and_at_least_a_minute(attempt: Attempt) -> None:
    clock, recorder = Hand(), Recorder()
    pulse = Pulse(clock)

    def after(seconds: float) -> str:
        clock.at += seconds
        attempt.heartbeat.touch()
        os.utime(attempt.heartbeat, (clock.at, clock.at))
        return pulse.feel(attempt, recorder.snapshot(), Status.RUNNING)

    recorder.apply(Phase(name="training", total=100))
    for step in range(1, 6):
        recorder.apply(Metric(step=step, epoch=0, values={"loss": 1.0}))
        assert after(20) == ""

    assert after(190) == ""
    assert after(20) == "No step for 3 minutes; one usually takes 20 s."
    recorder.apply(Phase(name="exporting"))
    assert after(10) == ""


def test_a_stopped_process_is_told_at_once(attempt: Attempt, sleeper: Sleeper) -> None:
    process = sleeper(**{TOKEN_VARIABLE: TOKEN})
    record(attempt, process.pid)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    assert Pulse().feel(attempt, Recorder().snapshot(), Status.RUNNING).startswith("Stopped (SIGSTOP)")
    launcher.send(attempt, signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM


def record(attempt: Attempt, pid: int, **changes: object) -> None:
    identity = ProcessIdentity.of(pid, TOKEN).to_json() | changes
    write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})


@pytest.mark.parametrize("change", [{}, {"start_ticks": 1}, {"boot_id": "another"}, {"token": "0" * 32}])
def test_a_process_that_is_not_proven_ours_is_never_signalled(
    attempt: Attempt, sleeper: Sleeper, change: dict[str, object]
) -> None:
    stranger = sleeper(**({TOKEN_VARIABLE: "0" * 32} if not change else {TOKEN_VARIABLE: TOKEN}))
    record(attempt, stranger.pid, **change)
    launcher.send(attempt, signal.SIGKILL)
    time.sleep(0.05)
    assert stranger.poll() is None


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_pids_that_mean_many_are_nobody(attempt: Attempt, pid: int) -> None:
    write_json(
        attempt.path / "proc.json",
        {role: ProcessIdentity.of(os.getpid(), TOKEN).to_json() | {"pid": pid} for role in ("supervisor", "trainer")},
    )
    assert not launcher.is_alive(attempt)
    launcher.send(attempt, signal.SIGKILL)
    launcher.kill_tree(attempt, spare_supervisor=False)


def test_only_orphans_of_this_folder_are_ended_and_only_when_seen_twice(tmp_path: Path, sleeper: Sleeper) -> None:
    runs = tmp_path / "runs"
    folder = str(runs / "job-1")
    orphan = sleeper(**{TOKEN_VARIABLE: TOKEN, FOLDER_VARIABLE: folder})
    live = sleeper(**{TOKEN_VARIABLE: "a" * 32, FOLDER_VARIABLE: folder})
    elsewhere = sleeper(**{TOKEN_VARIABLE: TOKEN, FOLDER_VARIABLE: str(tmp_path / "other" / "job-1")})
    unknown = sleeper(**{TOKEN_VARIABLE: "b" * 32, FOLDER_VARIABLE: str(runs / "job-nobody-knows")})
    orphanage = Orphanage(runs)
    known = {"job-1"}.__contains__
    assert orphanage.sweep(frozenset({"a" * 32}), known) == []
    found = orphanage.sweep(frozenset({"a" * 32}), known)
    assert [each.pid for each in found] == [orphan.pid]
    # `elsewhere` carries the same token; that happens only in tests, and kill by token would take it along.
    assert orphan.wait(5) == -signal.SIGKILL
    assert (live.poll(), unknown.poll()) == (None, None)
    assert elsewhere.pid not in [each.pid for each in found]


def running(studio: Studio, asked: JobSpec, sleeper: Sleeper) -> tuple[Job, Attempt, subprocess.Popen[bytes]]:
    """A job whose trainer is a `sleep`, as far as anybody can see."""
    submitted = studio.runs.submit(asked, actor=ALICE)
    job = studio.runs.claim_next()
    assert job
    assert job.id == submitted.id
    folder = studio.runs.folder(job.id)
    attempt = folder.attempt(job.attempt)
    attempt.claim(job.token)
    process = sleeper(**{TOKEN_VARIABLE: job.token, FOLDER_VARIABLE: str(folder.path)})
    identity = ProcessIdentity.of(process.pid, job.token).to_json()
    write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})
    studio.runs.move(job, Status.RUNNING)
    return studio.runs.get(job.id), attempt, process


def scheduler_that_starts_nothing(studio: Studio) -> Scheduler:
    scheduler = studio.scheduler
    scheduler._stopping.set()
    return scheduler


def test_after_a_reboot_a_job_is_in_the_queue_at_once(studio: Studio, asked: JobSpec, sleeper: Sleeper) -> None:
    job, attempt, process = running(studio, asked, sleeper)
    identity = ProcessIdentity.of(process.pid, job.token).to_json() | {"boot_id": "before"}
    write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})
    scheduler_that_starts_nothing(studio).tick()
    again = studio.runs.get(job.id)
    assert (again.status, again.cause, again.restarts) == (Status.QUEUED, Cause.LOST, 1)
    assert again.message == "The machine was restarted while it ran. It goes on by itself."
    assert studio.queue.devices_of(again) == ()
    assert process.poll() is None


def test_a_vanished_gpu_ends_its_job_and_no_other(home: Home, asked: JobSpec, sleeper: Sleeper, tmp_path: Path) -> None:
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a"}, {"uuid": "GPU-b"}]}))
    studio = Studio(home, devices=SimulatedDevices(gpus))
    bereft, _, process = running(studio, asked, sleeper)
    other, _, spared = running(studio, asked, sleeper)
    scheduler = scheduler_that_starts_nothing(studio)
    scheduler.tick()
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "lost": True}, {"uuid": "GPU-b"}]}))
    deadline = time.monotonic() + 20
    while (row := studio.runs.get(bereft.id)).status is Status.RUNNING:
        assert time.monotonic() < deadline
        scheduler.tick()
        process.poll()
        time.sleep(0.1)
    assert row.cause is Cause.GPU_LOST
    assert row.message.startswith("GPU 0 (Simulated GPU, GPU-a) stopped answering.")
    assert row.status is Status.QUEUED
    assert "does not answer" in studio.queue.waits_because(row)
    assert studio.runs.get(other.id).status is Status.RUNNING
    assert spared.poll() is None
    studio.close()
