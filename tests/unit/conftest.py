"""Fixtures of the fast tier: values and a real SQLite file in a temporary folder, no subprocess."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage.files import write_json
from storage.manifest import seal
from storage.methods import Lora
from storage.spec import Compute, DatasetRef, HoldOut, Hyperparameters, JobSpec, ModelRef, Objective, RunSpec

# A busy machine is slow to draw examples, too; that is no fault of theirs.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

ALICE = Actor("Alice", "alice@example.org")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    """An opened studio whose scheduler does not run: what is submitted stays queued."""
    studio = Studio(home)
    studio.open()
    yield studio
    studio.close()


@pytest.fixture
def model(home: Home) -> ModelRef:
    """A sealed model folder without weights: enough for everything that does not train."""
    partial = home.models / ".tiny.partial"
    partial.mkdir()
    details = {"id": "tiny", "name": "Tiny", "provider": "Nobody", "public_id": "nobody/tiny", "licence": "apache-2.0"}
    sizes = {"parameters": 1_000_000, "context_length": 512, "hidden_size": 64, "layers": 2, "revision": "r1"}
    write_json(partial / "model.json", details | sizes)
    seal(partial, home.models / "tiny")
    return ModelRef(id="tiny", name="Tiny", path=str(home.models / "tiny"), **{k: sizes[k] for k in sizes})


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Twelve chat rows."""
    path = tmp_path / "greetings.jsonl"
    row = (
        '{{"messages": [{{"role": "user", "content": "Hello {0}"}}, {{"role": "assistant", "content": "Hi {0}!"}}]}}\n'
    )
    path.write_text("".join(row.format(number) for number in range(12)))
    return path


@pytest.fixture
def asked(studio: Studio, model: ModelRef, examples: Path) -> JobSpec:
    return JobSpec(model="tiny", dataset=studio.datasets.add(examples, name=None, actor=ALICE).id)


@pytest.fixture
def run_spec(model: ModelRef) -> RunSpec:
    dataset = DatasetRef(
        id="ds-1", name="d", path="/nowhere", sha256="0" * 64, format="chat", rows=12, tokens_estimate=100
    )
    return RunSpec(
        job_id="abc123",
        output_name="ft-1",
        created_at=datetime.now(UTC),
        created_by=ALICE.email,
        asked=JobSpec(model="tiny", dataset="ds-1"),
        objective=Objective.SFT,
        method=Lora(),
        hyperparameters=Hyperparameters(),
        model=model,
        dataset=dataset,
        evaluation=HoldOut(),
        compute=Compute(device="cpu", threads=2, weights_dtype="float32", micro_batch_tokens=512),
    )


@pytest.fixture
def served(studio: Studio) -> Iterator[Studio]:
    """A folder that is held and whose clerk listens; no scheduler, so nothing is trained."""
    lock = studio.home.lock("http://127.0.0.1:1234")
    studio.clerk.start()
    yield studio
    studio.clerk.stop()
    lock.release()
