"""The server is killed in every state a job can be in and comes back after a while: nothing is lost or done twice.

After Determined's test_master_restart. `scripts/test --all` repeats it three times.
"""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from served import ServedStudio
from standin import ALICE, steps_of, submit, trainers_of, wait_for

from core.home import Home
from core.inbox import Inbox, Kind, Request
from core.studio import Studio
from storage.status import Status

pytestmark = pytest.mark.process

REPEATS = range(int(os.environ.get("TUNESMITH_REPEATS", "1")))
STEPS = 12


@pytest.fixture
def server(home: Home, simulate: Callable[..., None], request: pytest.FixtureRequest) -> Iterator[ServedStudio]:
    # Where something is asked of the run, its first attempt has to last until a busy server has heard it.
    is_asked = request.node.callspec.params["state"] in ("pausing", "cancelling")
    simulate(steps=STEPS, step_s=4.0 if is_asked else 0.25, preparing_s=1.5)
    server = ServedStudio(home.path, "--no-starter")
    yield server
    server.end()


def ask(home: Home, kind: Kind, job_id: str) -> None:
    answer = Inbox(home).ask(Request(kind=kind, job_id=job_id, actor_name=ALICE.name, actor_email=ALICE.email))
    assert answer, "nobody serves"
    assert not answer.error


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("downtime_s", [0, 3, 10])
@pytest.mark.parametrize("state", ["queued", "preparing", "running", "pausing", "cancelling"])
def test_nothing_is_lost(
    state: str,
    downtime_s: int,
    repeat: int,
    home: Home,
    server: ServedStudio,
    index: Studio,
    simulate: Callable[..., None],
) -> None:
    job = submit(index)
    second = submit(index) if state == "queued" else None
    server.start()
    wait_for(index, job.id, Status.PREPARING if state == "preparing" else Status.RUNNING)
    if state in ("pausing", "cancelling"):
        ask(home, "pause" if state == "pausing" else "cancel", job.id)
    server.kill()
    time.sleep(downtime_s)
    simulate(steps=STEPS, step_s=0.25)
    server.start()

    if state == "cancelling":
        wait_for(index, job.id, Status.CANCELLED)
    elif state == "pausing":
        wait_for(index, job.id, Status.PAUSED)
        ask(home, "resume", job.id)
        wait_for(index, job.id, Status.COMPLETED)
    else:
        wait_for(index, job.id, Status.COMPLETED)
    if second:
        wait_for(index, second.id, Status.COMPLETED)
        assert steps_of(index, second.id) == list(range(1, STEPS + 1))

    ended = index.runs.get(job.id)
    steps = steps_of(index, job.id)
    assert steps == list(range(1, len(steps) + 1))
    assert state == "cancelling" or len(steps) == STEPS
    assert ended.attempt == (2 if state == "pausing" else 1)
    assert trainers_of(ended) == []
