"""A studio with simulated GPUs really trains: placed by UUID, claimed in the folder, freed at the end."""

import json
import time
from pathlib import Path

import pytest

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage.process import SIMULATION_VARIABLE
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status

pytestmark = pytest.mark.process


def test_a_job_trains_on_the_gpu_that_nobody_uses(
    tiny_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = {"pid": 812, "user": "bob", "memory_gb": 14}
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "processes": [stranger]}, {"uuid": "GPU-b"}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    studio = Studio(tiny_home)
    studio.start()
    try:
        rows = tmp_path / "rows.jsonl"
        rows.write_text("".join(json.dumps({"prompt": f"Say {n}", "completion": f"{n}"}) + "\n" for n in range(12)))
        actor = Actor("Alice", "alice@example.org")
        dataset = studio.datasets.add(rows, name=None, actor=actor)
        asked = JobSpec(model="tiny", dataset=dataset.id, hyperparameters=Hyperparameters(batch_size=64))
        job = studio.runs.submit(asked, actor=actor)
        deadline = time.monotonic() + 120
        while not (row := studio.runs.get(job.id)).status.is_terminal:
            assert time.monotonic() < deadline, row
            time.sleep(0.1)
        assert row.status is Status.COMPLETED, row.message
        assert studio.runs.run_spec(job.id).compute.device == "cuda"
        assert studio.runs.folder(job.id).attempt(1).devices() == ("GPU-b",)
        assert "simulated" in studio.feed.history(job.id).warnings[0]
        assert studio.queue.devices_of(row) == ()
    finally:
        studio.stop()
