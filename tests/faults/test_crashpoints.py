"""The server ends at each named point of launch and finish, as by a power cut; a restarted one sets it right."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from served import TUNESMITH, ServedStudio, clean_environment
from standin import ALICE, steps_of, submit, wait_for

from core.crashpoints import POINTS
from core.home import Home
from core.inbox import Request
from core.studio import Studio
from storage.files import write_json
from storage.jobs import Query
from storage.status import Status

pytestmark = pytest.mark.process

CRASHED = 99
STEPS = 30


@pytest.fixture
def server(home: Home, simulate: Callable[..., None]) -> Iterator[ServedStudio]:
    simulate(steps=STEPS, step_s=0.05)
    server = ServedStudio(home.path, "--no-starter")
    yield server
    server.end()


def test_every_point_has_its_story() -> None:
    assert set(POINTS) == {*WHILE_IT_STARTS_OR_ENDS, SUBMIT, INTERRUPTED, CANCEL, *IN_TEST_MIGRATIONS}


SUBMIT, INTERRUPTED, CANCEL = (
    "submit: folder without row",
    "finish: interrupted, not requeued",
    "cancel: first rung taken",
)
IN_TEST_MIGRATIONS = ("migrate: backed up", "migrate: statement", "migrate: committed")
WHILE_IT_STARTS_OR_ENDS = (
    "launch: claimed",
    "launch: attempt folder written",
    "launch: spawned",
    "finish: exit seen",
)


@pytest.mark.parametrize("point", WHILE_IT_STARTS_OR_ENDS)
def test_the_job_completes_once(point: str, server: ServedStudio, index: Studio) -> None:
    job = submit(index)
    assert server.start_until_it_ends(TUNESMITH_CRASH_AT=point) == CRASHED
    server.start()
    done = wait_for(index, job.id, Status.COMPLETED, timeout_s=60)
    # Claimed but never started: a second attempt. Started: the same one goes on.
    assert done.attempt == (2 if point in WHILE_IT_STARTS_OR_ENDS[:2] else 1)
    assert steps_of(index, job.id) == list(range(1, STEPS + 1))


def test_an_interrupted_job_is_put_back_by_the_next_server(
    server: ServedStudio, index: Studio, simulate: Callable[..., None]
) -> None:
    simulate(steps=STEPS, step_s=0.2)  # the row is brought up to date once a second; there has to be time to see it run
    job = submit(index)
    server.start(TUNESMITH_CRASH_AT=INTERRUPTED)
    wait_for(index, job.id, Status.RUNNING, step=12)
    os.kill(index.runs.folder(job.id).attempt(1).processes()[1].pid, signal.SIGKILL)
    assert server.process
    assert server.process.wait(30) == CRASHED
    assert index.runs.get(job.id).status is Status.INTERRUPTED
    server.start()
    assert wait_for(index, job.id, Status.COMPLETED).attempt == 2
    assert steps_of(index, job.id) == list(range(1, STEPS + 1))


def test_a_cancel_is_taken_up_again(home: Home, server: ServedStudio, index: Studio) -> None:
    job = submit(index)
    server.start(TUNESMITH_CRASH_AT=CANCEL)
    wait_for(index, job.id, Status.RUNNING)
    request = Request(kind="cancel", job_id=job.id, actor_name=ALICE.name, actor_email=ALICE.email)
    write_json(home.inbox / "cancel.json", request.model_dump(mode="json"))
    assert server.process
    assert server.process.wait(30) == CRASHED
    server.start()
    wait_for(index, job.id, Status.CANCELLED, Status.COMPLETED)


def test_a_folder_without_a_row_is_in_nobodys_way(server: ServedStudio, index: Studio, home: Home) -> None:
    job = submit(index)  # brings the dataset in
    command = [TUNESMITH, "train", "--model", "hollow", "--set", f"dataset={job.dataset_id}", "--data-dir", home.path]
    environment = clean_environment() | {"TUNESMITH_CRASH_AT": SUBMIT}
    assert subprocess.run(command, env=environment, check=False).returncode == CRASHED
    assert len(list(home.runs.iterdir())) == 2
    server.start()
    wait_for(index, job.id, Status.COMPLETED)
    assert index.runs.search(Query()).total == 1
