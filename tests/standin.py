"""What stands in for a real model and a real trainer, and how the tests look at such runs."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.event_log import EventWriter
from storage.files import write_json
from storage.process import TOKEN_VARIABLE, ProcessIdentity, has_token
from storage.run_folder import Attempt, RunFolder
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import Job

ALICE = Actor("Alice", "alice@example.org")


@dataclass(frozen=True, slots=True)
class RunningJob:
    folder: RunFolder
    events: EventWriter


@contextmanager
def running_job(path: Path, **asked: object) -> Iterator[RunningJob]:
    """A job in the state *running* in a new data folder. The studio may be served while it lives."""
    home = Home(path)
    home.prepare()
    add_hollow_model(home)
    studio = Studio(home)
    studio.open()
    with keep_running(studio, **asked) as running:
        studio.close()
        yield running


@contextmanager
def keep_running(studio: Studio, **asked: object) -> Iterator[RunningJob]:
    """One more job of an open studio, whose trainer is a process that sleeps."""
    job = submit(studio, **asked)
    claimed = studio.runs.claim_next()
    assert claimed
    token = claimed.token
    folder = studio.runs.folder(job.id)
    attempt = folder.attempt(1)
    attempt.claim(token)
    sleeper = subprocess.Popen(["sleep", "3600"], env={**os.environ, TOKEN_VARIABLE: token})
    identity = ProcessIdentity.of(sleeper.pid, token).to_json()
    write_json(attempt.path / "proc.json", {"supervisor": identity, "trainer": identity})
    studio.runs.move(claimed, Status.RUNNING)
    try:
        yield RunningJob(folder, EventWriter(attempt.events))
    finally:
        sleeper.kill()
        sleeper.wait()


def add_hollow_model(home: Home, *, parameters: int = 1_000_000) -> None:
    """A sealed model folder without weights: enough for everything that does not train."""
    partial = home.models / "hollow.partial"
    partial.mkdir()
    details = {"name": "Hollow", "provider": "Nobody", "public_id": "nobody/hollow", "licence": "apache-2.0"}
    sizes = {"parameters": parameters, "context_length": 512, "hidden_size": 64, "layers": 2}
    write_json(partial / "model.json", details | sizes)
    manifest.seal(partial, home.models / "hollow")


def add_tiny_model(home: Home, built: Path) -> None:
    """The tiny model, which really trains, out of the folder where it was built (`tiny_model` of the process tests)."""
    partial = home.models / "tiny.partial"
    shutil.copytree(built, partial)
    details = {"name": "Tiny", "provider": "Nobody", "public_id": "nobody/tiny", "licence": "apache-2.0"}
    sizes = {"parameters": 100_000, "context_length": 512, "hidden_size": 64, "layers": 2}
    write_json(partial / "model.json", details | sizes)
    manifest.seal(partial, home.models / "tiny")


def claim(studio: Studio, spec: JobSpec) -> tuple[Job, Attempt]:
    """A job whose first attempt has begun and has said nothing yet. The studio's scheduler does not run."""
    job = studio.runs.submit(spec, actor=ALICE)
    claimed = studio.runs.claim_next()
    assert claimed
    assert claimed.id == job.id
    attempt = studio.runs.folder(job.id).attempt(claimed.attempt)
    attempt.claim(claimed.token)
    return claimed, attempt


def submit(studio: Studio, **asked: object) -> Job:
    dataset = studio.datasets.add_starter(ALICE)
    spec = JobSpec.model_validate({"model": "hollow", "dataset": dataset.id} | asked)
    return studio.runs.submit(spec, actor=ALICE)


def wait_for(
    studio: Studio, job_id: str, *wanted: Status, timeout_s: float = 120, attempt: int = 0, step: int = 0
) -> Job:
    """Until the job is in one of these states, in this attempt or a later one, at this step or beyond."""
    deadline = time.monotonic() + timeout_s
    while True:
        job = studio.runs.get(job_id)
        if job.status in wanted and job.attempt >= attempt and job.step >= step:
            return job
        assert time.monotonic() < deadline, f"{job.status} (attempt {job.attempt}, step {job.step}), wanted {wanted}"
        time.sleep(0.02)


def trainers_of(job: Job) -> list[int]:
    """Every process that carries the attempt's token."""
    return [pid for pid in psutil.pids() if len(job.token) >= 16 and has_token(pid, job.token)]


def steps_of(studio: Studio, job_id: str) -> list[int]:
    return [point.step for point in studio.feed.history(job_id).series["loss"]]
