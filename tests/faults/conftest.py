"""The fault tier: the real scheduler, real processes; the trainer is the shipped simulation, told to misbehave."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from standin import add_hollow_model, trainers_of

from core.home import Home
from core.studio import Studio
from storage.process import SIMULATION_VARIABLE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    add_hollow_model(home)
    return home


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From now on trainers follow this script (see training/simulated.py)."""

    def script(**asked: object) -> None:
        monkeypatch.setenv("TUNESMITH_SIMULATED_TRAINER", json.dumps(asked))

    return script


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated ones. Ask for it before `studio`."""
    path = tmp_path / "gpus.json"
    path.write_text(json.dumps({"gpus": [{"uuid": "GPU-a"}, {"uuid": "GPU-b"}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(path))


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    """A studio that schedules, in this process; its cancel ladder is twenty times less patient."""
    studio = Studio(home, patience=0.05)
    studio.start()
    yield studio
    for job in studio.runs.live():
        for pid in trainers_of(job):
            os.kill(pid, 9)
    studio.stop()


@pytest.fixture
def index(home: Home) -> Iterator[Studio]:
    """The folder's index, read beside the server that writes it."""
    studio = Studio(home)
    studio.open()
    yield studio
    studio.close()
