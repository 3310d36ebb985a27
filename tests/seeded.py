"""A data folder with one of everything, for tests that look at pages: nothing in it was trained."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from standin import ALICE, add_hollow_model, keep_running, submit, wait_for

from core.home import Home
from core.studio import Studio
from storage.spec import NoEvaluation
from storage.status import Status

#: Large enough that no step size of a very small model is suggested.
PARAMETERS = 600_000_000
HELD_OUT = (
    '{{"messages": [{{"role": "user", "content": "Hi {0}"}}, {{"role": "assistant", "content": "Hello {0}"}}]}}\n'
)


@contextmanager
def seeded(path: Path) -> Iterator[Home]:
    """Jobs done-1, dead-1 and live-1 (a sleeper trains it, as long as this lasts), two datasets, a deployment."""
    home = Home(path)
    home.prepare()
    add_hollow_model(home, parameters=PARAMETERS)
    with _simulated('{"steps": 30, "step_s": 0}'):
        _over(home, "done-1", Status.COMPLETED)
    with _simulated('{"steps": 30, "step_s": 0, "fail_at": 12, "says": "RuntimeError: it broke"}'):
        _over(home, "dead-1", Status.FAILED)
    studio = Studio(home)
    studio.open()
    studio.people.save(ALICE.name, ALICE.email)
    held_out = path.parent / "held-out.jsonl"
    held_out.write_text("".join(HELD_OUT.format(number) for number in range(12)))
    studio.datasets.add(held_out, name=None, actor=ALICE)
    studio.deployments.create("support-bot", "hollow", actor=ALICE)
    with keep_running(studio, job_id="live-1", output_name="ft-live-1"):
        studio.close()
        yield home


def _over(home: Home, job_id: str, status: Status) -> None:
    """A job that the shipped simulation has brought to its end."""
    studio = Studio(home)
    studio.start()
    try:
        submit(studio, job_id=job_id, output_name=f"ft-{job_id}", evaluation=NoEvaluation())
        wait_for(studio, job_id, status)
    finally:
        studio.stop()


@contextmanager
def _simulated(script: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNESMITH_SIMULATED_TRAINER", script)
        patch.setenv("TUNESMITH_SPARE", "off")
        yield
    assert "TUNESMITH_SIMULATED_TRAINER" not in os.environ
