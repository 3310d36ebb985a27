"""A studio with simulated GPUs really trains: placed by UUID, claimed in the folder, freed at the end."""

import json
import time
from pathlib import Path

import pytest
from standin import trainers_of

from core.home import Home
from core.people import Actor
from core.studio import Studio
from core.tracking import news_of
from storage.process import SIMULATION_VARIABLE
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status
from storage.tables import Job
from storage.trackers import FOLDER, Tracker

pytestmark = pytest.mark.process


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the simulated GPUs are described."""
    path = tmp_path / "gpus.json"
    monkeypatch.setenv(SIMULATION_VARIABLE, str(path))
    return path


def trained(studio: Studio, tmp_path: Path, **asked: object) -> Job:
    """The job at its end; while it lived, it held what it was given."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": f"Say {n}", "completion": f"{n}"}) + "\n" for n in range(12)))
    actor = Actor("Alice", "alice@example.org")
    dataset = studio.datasets.add(rows, name=None, actor=actor)
    spec = JobSpec.model_validate(
        {"model": "tiny", "dataset": dataset.id, "hyperparameters": Hyperparameters(batch_size=64)} | asked
    )
    job = studio.runs.submit(spec, actor=actor)
    deadline = time.monotonic() + 120
    while not (row := studio.runs.get(job.id)).status.is_terminal:
        assert time.monotonic() < deadline, row
        if row.status is Status.RUNNING:
            held = [device.uuid for device in studio.queue.devices_of(row)]
            assert len(held) in (spec.devices, 0)  # none where it ended between the two looks
        time.sleep(0.1)
    return row


def test_a_job_trains_on_the_gpu_that_nobody_uses(tiny_home: Home, tmp_path: Path, gpus: Path) -> None:
    stranger = {"pid": 812, "user": "bob", "memory_gb": 14}
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "processes": [stranger]}, {"uuid": "GPU-b"}]}))
    studio = Studio(tiny_home)
    studio.start()
    try:
        job = trained(studio, tmp_path, trackers=(Tracker.TENSORBOARD, Tracker.TRACKIO))
        assert job.status is Status.COMPLETED, job.message
        assert studio.runs.run_spec(job.id).compute.device == "cuda"
        assert studio.runs.folder(job.id).attempt(1).devices() == ("GPU-b",)
        assert "simulated" in studio.feed.history(job.id).warnings[0].message
        assert studio.queue.devices_of(job) == ()
    finally:
        studio.stop()
    # What a tracker says, or that it is not installed, is known once the studio has stopped; the run went on.
    run = tiny_home.runs / job.id
    states = {news.tracker: news.state for news in news_of(run, (Tracker.TENSORBOARD, Tracker.TRACKIO))}
    assert states == {Tracker.TENSORBOARD: "done", Tracker.TRACKIO: "failed"}
    assert next((run / FOLDER / "tensorboard").iterdir()).stat().st_size > 500


def test_a_job_for_two_gpus_has_both_and_gives_both_back(tiny_home: Home, tmp_path: Path, gpus: Path) -> None:
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a"}, {"uuid": "GPU-b"}, {"uuid": "GPU-c"}]}))
    studio = Studio(tiny_home)
    studio.start()
    try:
        job = trained(studio, tmp_path, devices=2)
        assert job.status is Status.COMPLETED, job.message
        attempt = studio.runs.folder(job.id).attempt(1)
        assert attempt.devices() == ("GPU-a", "GPU-b")
        assert len(attempt.processes()) == 3
        assert "shared by 2 processes" in studio.feed.history(job.id).training.detail
        assert studio.queue.devices_of(job) == ()
        assert trainers_of(job) == []
    finally:
        studio.stop()
