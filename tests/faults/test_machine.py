"""What the machine and other programs do to a serving studio. Numbers are rows of the table in docs/faults.md."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from served import ServedStudio
from standin import ALICE, steps_of, submit, trainers_of, wait_for

from core.backups import Backups
from core.devices import SimulatedDevices
from core.errors import Conflict
from core.home import Home
from core.studio import Studio
from storage.files import write_atomic
from storage.jobs import Query
from storage.status import Status

pytestmark = pytest.mark.process

Simulate = Callable[..., None]
TESTS = Path(__file__).parents[1]


@pytest.fixture
def server(home: Home, simulate: Simulate) -> Iterator[ServedStudio]:
    simulate(steps=50, hang_at=5)
    server = ServedStudio(home.path, "--no-starter")
    yield server
    server.end()


def test_2_a_server_that_is_told_to_end_leaves_its_trainers_alone_and_says_so(
    home: Home, server: ServedStudio, index: Studio
) -> None:
    job = submit(index)
    for farewell in ([signal.SIGTERM], [signal.SIGINT, signal.SIGINT]):
        server.start()
        running = wait_for(index, job.id, Status.RUNNING, step=4)
        assert server.process
        for number in farewell:
            server.process.send_signal(number)
        server.process.wait(20)
        assert not home.is_served()
        assert len(trainers_of(running)) == 2
    server.start()
    assert wait_for(index, job.id, Status.RUNNING).attempt == 1
    said = (home.path.parent / "server.log").read_text()
    assert "1 job goes on without the studio" in said


def test_25_while_another_program_holds_the_index_it_is_read_and_work_goes_on(
    studio: Studio, simulate: Simulate
) -> None:
    simulate(steps=30, step_s=0.05)
    job = submit(studio)
    wait_for(studio, job.id, Status.RUNNING)
    with closing(sqlite3.connect(studio.home.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert studio.runs.search(Query()).total == 1
        with pytest.raises(Conflict, match=r"Another program keeps the index .* to itself.*try again"):
            studio.people.save("Bob", "bob@example.org")
        other.execute("ROLLBACK")
    assert studio.people.save("Bob", "bob@example.org").name == "Bob"
    wait_for(studio, job.id, Status.COMPLETED)
    assert steps_of(studio, job.id) == list(range(1, 31))


CLAIM = """
import sys, time
from pathlib import Path
from core.errors import Taken
from core.home import Home
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    kept = home.lock("http://127.0.0.1:1")
except Taken:
    print("taken", flush=True)
else:
    print("mine", flush=True)
    time.sleep(600)
"""


def test_29_of_five_that_take_a_folder_at_once_one_has_it_and_its_death_frees_it(home: Home) -> None:
    command = [sys.executable, "-c", CLAIM, str(home.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    claimants = [subprocess.Popen(command, **pipes) for _ in range(5)]  # type: ignore[call-overload]
    try:
        assert [each.stdout.readline() for each in claimants] == ["ready\n"] * 5
        for each in claimants:
            each.stdin.write("go\n")
            each.stdin.flush()
        answers = [each.stdout.readline() for each in claimants]
        assert sorted(answers) == ["mine\n"] + ["taken\n"] * 4
        assert home.is_served()
        winner = claimants[answers.index("mine\n")]
        winner.kill()
        winner.wait()
        assert not home.is_served()
    finally:
        for each in claimants:
            each.kill()
            each.communicate()


def test_23_a_job_is_not_started_into_too_little_memory_and_starts_when_there_is_enough(
    home: Home, simulate: Simulate, tmp_path: Path
) -> None:
    machine = tmp_path / "machine.json"
    machine.write_text(json.dumps({"processor": {"memory_gb": 16, "free_gb": 8}}))
    simulate(steps=5)
    studio = Studio(home, devices=SimulatedDevices(machine))
    studio.open()
    job = submit(studio)
    machine.write_text(json.dumps({"processor": {"memory_gb": 16, "free_gb": 0.3}}))
    studio.start()
    try:
        assert "0.3 GB are free" in studio.queue.waits_because(job)
        studio.queue.hold(job.id, actor=ALICE)  # a round of the scheduler that is surely over when it is released
        assert studio.queue.release(job.id, actor=ALICE).status is Status.QUEUED
        machine.write_text(json.dumps({"processor": {"memory_gb": 16, "free_gb": 8}}))
        assert wait_for(studio, job.id, Status.COMPLETED).attempt == 1
    finally:
        studio.stop()


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler to set one process's clock wrong")
def test_31_a_wall_clock_that_jumps_ends_and_repeats_nothing(
    home: Home, simulate: Simulate, index: Studio, tmp_path: Path
) -> None:
    simulate(steps=50, step_s=0.1)
    library, wrong = tmp_path / "wrong_clock.so", tmp_path / "seconds"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, TESTS / "wrong_clock.c", "-ldl"], check=True)
    wrong.write_text("0")
    server = ServedStudio(home.path, "--no-starter")
    first, second = submit(index), submit(index)
    try:
        server.start(LD_PRELOAD=str(library), WRONG_CLOCK=str(wrong))
        for step, seconds in ((5, 7200), (20, -7200), (35, 7200)):
            wait_for(index, first.id, Status.RUNNING, step=step)
            write_atomic(wrong, str(seconds).encode())
        wait_for(index, first.id, Status.COMPLETED)
        done = wait_for(index, second.id, Status.COMPLETED)
    finally:
        server.end()
    assert (done.attempt, index.runs.get(first.id).attempt, done.health) == (1, 1, "")
    assert done.started_at
    assert done.started_at - done.created_at > timedelta(hours=1), "the server's clock was not wrong at all"
    assert steps_of(index, first.id) == steps_of(index, second.id) == list(range(1, 51))
    assert [backup.reason for backup in Backups(home).newest_first()] == ["nightly"]
