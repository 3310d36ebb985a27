"""The dashboard: its teaching texts, its figures, what runs now, and the first job by one click."""

import asyncio
import json
from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User

from core.models.starter import STARTER_ID
from core.people import Actor
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Metric, Phase
from storage.files import write_json
from storage.jobs import Query
from storage.manifest import seal
from storage.process import SIMULATION_VARIABLE
from storage.spec import JobSpec
from storage.status import Status
from ui.components.sparkline import points
from ui.signals import Signals

BOB = Actor("Bob", "bob@example.org")
DASHBOARD = "/dashboard"


async def test_it_says_what_supervised_fine_tuning_is(user: User) -> None:
    await user.open("/")
    await user.should_see("Supervised Fine-Tuning")
    await user.should_see(
        "Train custom AI models with labeled examples (input → output pairs) through supervised learning."
    )
    await user.should_see("What is Supervised Fine-Tuning?")
    for text in ("📥", "INPUT", "User questions", "📤", "OUTPUT", "Desired responses"):
        await user.should_see(text)
    await user.should_see("The model learns patterns from these labeled pairs...")
    actions = {
        "Upload Labeled Examples": "Input → Output pairs",
        "Start Training Job": "Supervised learning",
        "Import from Conversations": "ChatGPT, Claude, logs",
    }
    for title, second_line in actions.items():
        await user.should_see(title)
        await user.should_see(second_line)


async def test_datasets_are_counted_with_those_that_are_ready(user: User, studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": "A"}]} for n in range(10)
    ]
    broken.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"messages": []}]))
    good = tmp_path / "good.jsonl"
    good.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for file in (broken, good):
        studio.datasets.add(file, name=None, actor=BOB)
    await user.open(DASHBOARD)
    await user.should_see("Training Datasets")
    await user.should_see("Labeled examples")
    await user.should_see("2 total")
    await user.should_see("1 ready for supervised learning")


async def test_jobs_are_counted_by_status_and_each_count_leads_to_its_list(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    for name in ("alpha", "beta"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=BOB)
    await user.open(DASHBOARD)
    await user.should_not_see("Try it now")
    links = [
        link.props["href"] for link in user.find(kind=ui.element).elements if link.tag == "a" and "href" in link.props
    ]
    assert "/dashboard/fine-tuning?type=supervised&status=queued" in links
    await user.should_see("Queued")
    await user.should_see("Latest jobs")
    await user.should_see("beta")


async def test_what_runs_is_live_with_its_curve(user: User, studio: Studio, signals: Signals, asked: JobSpec) -> None:
    studio.runs.submit(asked.model_copy(update={"display_name": "my run"}), actor=BOB)
    claimed = studio.runs.claim_next()
    assert claimed
    attempt = studio.runs.folder(claimed.id).attempt(1)
    attempt.claim(claimed.token)
    await user.open(DASHBOARD)
    await user.should_see("Running now")
    await user.should_see("No data yet")
    writer = EventWriter(attempt.events)
    studio.runs.move(claimed, Status.RUNNING)
    writer.append(Phase(name="training", total=4))
    for step in (1, 2):
        writer.append(Metric(step=step, epoch=step / 4, values={"loss": 3.0 / step}))
    await user.should_see("loss 1.500")
    await user.should_see("50 % • Epoch 1/1")
    (line,) = (element for element in user.find(kind=ui.element).elements if element.tag == "polyline")
    assert line.props["points"] == "0.0,2.0 120.0,30.0"
    studio.runs.move(claimed, Status.COMPLETED)
    await user.should_not_see("Running now")
    await user.should_see("Latest jobs")


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two simulated GPUs. Named before `studio`."""
    path = tmp_path / "gpus.json"
    describe(path, {"gpus": [{"uuid": "GPU-a", "memory_gb": 24, "busy": 0.37}, {"uuid": "GPU-b"}]})
    monkeypatch.setenv(SIMULATION_VARIABLE, str(path))
    return path


def describe(gpus: Path, machine: dict[str, object]) -> None:
    gpus.write_text(json.dumps(machine))


async def test_gpus_are_shown_in_use_and_one_that_goes_is_missed(gpus: Path, user: User, studio: Studio) -> None:
    await user.open(DASHBOARD)
    await user.should_see("GPUs (2)")
    await user.should_see("37 % busy")
    describe(gpus, {"gpus": []})
    await user.should_see("Processor")
    await user.should_see("Memory")


async def test_a_driver_that_cannot_tell_is_told_of(gpus: Path, user: User, studio: Studio) -> None:
    describe(gpus, {"error": "driver/library version mismatch"})
    await user.open(DASHBOARD)
    await user.should_see("The driver does not say which GPUs there are: driver/library version mismatch")


async def test_one_click_runs_the_starter_job(user: User, studio: Studio) -> None:
    hollow_starter(studio)
    await user.open(DASHBOARD)
    await user.should_see("Try it now")
    user.find(marker="try-it-now").click()
    await user.should_see("My first model")
    (job,) = studio.runs.search(Query()).rows
    spec = studio.runs.run_spec(job.id)
    assert (spec.model.id, job.dataset_name, spec.hyperparameters.epochs) == (STARTER_ID, "Customer Support Starter", 2)
    assert spec.hyperparameters.learning_rate == 1e-3  # what the starter model learns well at


async def test_a_click_before_the_model_is_there_is_remembered(user: User, studio: Studio) -> None:
    await user.open(DASHBOARD)
    user.find(marker="try-it-now").click()
    await user.should_see("The job starts as soon as the model is ready.")
    assert not studio.runs.search(Query()).rows
    hollow_starter(studio)
    await user.should_see("My first model")
    assert studio.runs.search(Query()).total == 1


async def test_everybody_who_looks_shares_one_look(studio: Studio) -> None:
    looks = await asyncio.gather(*(asyncio.to_thread(studio.overview.look, BOB) for _ in range(8)))
    assert len({id(look) for look in looks}) == 1


def test_a_sparkline_goes_from_edge_to_edge_and_a_flat_one_lies_in_the_middle() -> None:
    assert points((1.0,)) == ""
    assert points((1.0, 1.0)) == "0.0,16.0 120.0,16.0"
    assert points((0.0, 1.0, 0.0)) == "0.0,30.0 60.0,2.0 120.0,30.0"


def hollow_starter(studio: Studio) -> None:
    """The starter model's folder, sealed, without weights: enough to submit."""
    partial = studio.home.models / ".starter.partial"
    partial.mkdir()
    names = {"name": "SmolLM2-135M-Instruct", "provider": "HuggingFaceTB", "public_id": "HuggingFaceTB/x"}
    sizes = {"parameters": 134_515_008, "context_length": 8192, "hidden_size": 576, "layers": 30, "revision": "r1"}
    write_json(partial / "model.json", names | sizes | {"licence": "apache-2.0", "suggested_learning_rate": 1e-3})
    seal(partial, studio.home.models / STARTER_ID)
