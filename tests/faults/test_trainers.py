"""What trainers can do to us, each with its answer. Numbers are rows of the fault matrix in docs/operations.md."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from standin import ALICE, steps_of, submit, trainers_of, wait_for

from core.studio import Studio
from storage.event_log import read_events
from storage.files import read_json, write_json
from storage.process import ProcessIdentity
from storage.status import Cause, Status

pytestmark = pytest.mark.process

Simulate = Callable[..., None]


def test_a_quiet_run_completes(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=25)
    job = submit(studio)
    wait_for(studio, job.id, Status.COMPLETED)
    assert steps_of(studio, job.id) == list(range(1, 26))
    assert trainers_of(studio.runs.get(job.id)) == []


def test_a_step_that_takes_long_tells_its_passes_without_an_event(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=2, step_s=4.5, passes=9)
    job = submit(studio)
    told = set()
    while not (row := studio.runs.get(job.id)).status.is_terminal:
        told.add(studio.feed.history(job.id).stretch)
        time.sleep(0.05)
    assert row.status is Status.COMPLETED
    passes = {(at.step, at.done) for at in told if at}
    # One a second, from the second second on; how punctual, the machine decides.
    assert len({done for step, done in passes if step == 1}) >= 2, passes
    assert {step for step, _ in passes} == {1, 2}
    assert {(at.name, at.total) for at in told if at} == {("pass", 9)}
    attempt = studio.runs.folder(job.id).attempt(1)
    kinds = [event.type for event in read_events(attempt.events).events]
    assert kinds == ["phase", "phase", "metric", "metric", "phase", "finished"]


def test_quick_steps_leave_no_file_of_their_passes(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=40, step_s=0.05, passes=3)
    job = submit(studio)
    told = set()
    while not studio.runs.get(job.id).status.is_terminal:
        told.add((studio.runs.folder(job.id).path / "attempts" / "1" / "progress.json").exists())
        time.sleep(0.01)
    assert told == {False}


def test_5_a_killed_trainer_goes_on_from_its_newest_checkpoint(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=60)
    job = submit(studio)
    running = wait_for(studio, job.id, Status.RUNNING, step=25)
    os.kill(studio.runs.folder(job.id).attempt(1).processes()[1].pid, signal.SIGKILL)
    wait_for(studio, job.id, Status.RUNNING, Status.COMPLETED, attempt=running.attempt + 1)
    done = wait_for(studio, job.id, Status.COMPLETED)
    assert (done.attempt, done.restarts) == (2, 1)
    assert steps_of(studio, job.id) == list(range(1, 61))


def test_5_supervisor_and_trainer_killed_together(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=60)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=15)
    for identity in studio.runs.folder(job.id).attempt(1).processes():
        os.kill(identity.pid, signal.SIGKILL)
    assert wait_for(studio, job.id, Status.COMPLETED).attempt == 2


@pytest.mark.usefixtures("two_gpus")
def test_5_of_two_processes_one_is_killed(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=60)
    job = submit(studio, devices=2)
    running = wait_for(studio, job.id, Status.RUNNING, step=15)
    attempt = studio.runs.folder(job.id).attempt(1)
    os.kill(attempt.processes()[2].pid, signal.SIGKILL)
    again = wait_for(studio, job.id, Status.RUNNING, Status.COMPLETED, attempt=2)
    assert not any(identity.is_alive for identity in attempt.processes())
    assert again.message.startswith("Process 2 of the 2 that trained together was ended from outside by SIGKILL")
    assert [device.uuid for device in studio.queue.devices_of(again)] in (["GPU-a", "GPU-b"], [])
    done = wait_for(studio, job.id, Status.COMPLETED)
    assert (done.attempt, done.restarts) == (2, 1)
    assert steps_of(studio, job.id) == list(range(1, 61))
    assert studio.queue.devices_of(done) == ()
    assert trainers_of(running) == []


@pytest.mark.usefixtures("two_gpus")
def test_11_two_deaf_processes_end_on_the_last_rungs(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=1000, ignore_signals=True, children=1)
    job = submit(studio, devices=2)
    running = wait_for(studio, job.id, Status.RUNNING)
    assert len(trainers_of(running)) == 5
    studio.runs.cancel(job.id, actor=ALICE)
    wait_for(studio, job.id, Status.CANCELLED)
    assert trainers_of(running) == []


def test_6_a_trainer_without_its_supervisor_is_followed_to_its_end(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=60)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=5)
    os.kill(studio.runs.folder(job.id).attempt(1).processes()[0].pid, signal.SIGKILL)
    done = wait_for(studio, job.id, Status.COMPLETED)
    assert done.attempt == 1
    assert steps_of(studio, job.id) == list(range(1, 61))


def test_8_a_recycled_pid_is_neither_adopted_nor_signalled(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=1000)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING)
    attempt = studio.runs.folder(job.id).attempt(1)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        real = [identity.pid for identity in attempt.processes()]
        forged = ProcessIdentity.of(stranger.pid, "f" * 32).to_json() | {"token": attempt.token()}
        write_json(attempt.path / "proc.json", {"supervisor": forged, "trainer": forged | {"start_ticks": 1}})
        for pid in real:
            os.kill(pid, signal.SIGKILL)
        wait_for(studio, job.id, Status.RUNNING, attempt=2)
        studio.runs.cancel(job.id, actor=ALICE)
        wait_for(studio, job.id, Status.CANCELLED)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("pid", [0, 1, -1])
def test_9_a_pid_that_means_everybody_is_never_alive(pid: int) -> None:
    assert not ProcessIdentity(pid=pid, start_ticks=0, boot_id="", token="t" * 32).is_alive


def test_10_a_hanging_trainer_can_be_cancelled(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=50, hang_at=5)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=4)
    studio.runs.cancel(job.id, actor=ALICE)
    assert wait_for(studio, job.id, Status.CANCELLED).message == "Cancelled by Alice."


def test_10_a_stopped_trainer_is_not_taken_for_dead(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=40)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=5)
    trainer = studio.runs.folder(job.id).attempt(1).processes()[1].pid
    os.kill(trainer, signal.SIGSTOP)
    assert studio.runs.get(job.id).status is Status.RUNNING
    os.kill(trainer, signal.SIGCONT)
    assert wait_for(studio, job.id, Status.COMPLETED).attempt == 1


def test_11_and_12_deaf_trainers_and_their_grandchildren_end_on_the_last_rungs(
    studio: Studio, simulate: Simulate
) -> None:
    simulate(steps=1000, ignore_signals=True, children=3)
    job = submit(studio)
    running = wait_for(studio, job.id, Status.RUNNING)
    assert len(trainers_of(running)) == 5
    studio.runs.cancel(job.id, actor=ALICE)
    wait_for(studio, job.id, Status.CANCELLED)
    assert trainers_of(running) == []
    assert (read_json(studio.runs.folder(job.id).attempt(1).path / "exit.json") or {})["signal"] == signal.SIGKILL


def test_13_cancelled_before_and_while_it_prepares(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=50, preparing_s=60)
    first, second = submit(studio), submit(studio)
    wait_for(studio, first.id, Status.PREPARING)
    assert studio.runs.cancel(second.id, actor=ALICE).status is Status.CANCELLED
    studio.runs.cancel(first.id, actor=ALICE)
    wait_for(studio, first.id, Status.CANCELLED)
    # Twice is once, and what has ended stays as it is.
    assert studio.runs.cancel(first.id, actor=ALICE).status is Status.CANCELLED


def test_13_a_cancel_after_the_end_changes_nothing(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=3)
    job = submit(studio)
    wait_for(studio, job.id, Status.COMPLETED)
    assert studio.runs.cancel(job.id, actor=ALICE).status is Status.COMPLETED


def test_14_paused_and_resumed_every_step_is_there_once(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=60)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=7)
    studio.runs.pause(job.id, actor=ALICE)
    paused = wait_for(studio, job.id, Status.PAUSED)
    assert trainers_of(paused) == []
    studio.runs.resume(job.id, actor=ALICE)
    wait_for(studio, job.id, Status.COMPLETED)
    assert steps_of(studio, job.id) == list(range(1, 61))


def test_14_killed_while_it_was_to_pause_it_is_paused(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=50, hang_at=15, ignore_signals=True)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING, step=14)
    studio.runs.pause(job.id, actor=ALICE)
    os.kill(studio.runs.folder(job.id).attempt(1).processes()[1].pid, signal.SIGKILL)
    wait_for(studio, job.id, Status.PAUSED)
    simulate(steps=50)
    studio.runs.resume(job.id, actor=ALICE)
    wait_for(studio, job.id, Status.COMPLETED)
    assert steps_of(studio, job.id) == list(range(1, 51))


def test_19_a_torn_line_is_not_there_and_a_crash_loop_ends(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=50, torn_line_at=25)
    job = submit(studio)
    failed = wait_for(studio, job.id, Status.FAILED, timeout_s=60)
    assert failed.cause is Cause.KILLED_EXTERNALLY
    assert "without getting further" in failed.message
    assert steps_of(studio, job.id) == list(range(1, 25))


def test_22_out_of_memory_is_read_from_the_log_of_a_silent_death(studio: Studio, simulate: Simulate) -> None:
    said = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 79.11 GiB in total"
    simulate(steps=50, fail_at=5, says=said)
    job = submit(studio)
    failed = wait_for(studio, job.id, Status.FAILED)
    assert failed.cause is Cause.OOM_GPU
    assert "Tried to allocate 2.00 GiB" in failed.evidence


def test_a_failed_job_can_be_tried_again(studio: Studio, simulate: Simulate) -> None:
    simulate(steps=30, fail_at=15, says="no idea why")
    job = submit(studio)
    wait_for(studio, job.id, Status.FAILED)
    simulate(steps=30)
    studio.runs.retry(job.id, actor=ALICE)
    assert wait_for(studio, job.id, Status.COMPLETED).attempt == 2
    assert steps_of(studio, job.id) == list(range(1, 31))
