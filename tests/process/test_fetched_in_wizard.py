"""A base model that is fetched inside the wizard: it becomes the job's, the settings resolve for it, and it trains."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import HubStandIn, serving
from paged import browsing, job_of
from standin import ALICE, wait_for

from core.home import Home
from core.studio import Studio
from storage.spec import Objective
from storage.status import Status
from ui.signals import Signals

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def hub(tiny_model: Path) -> Iterator[HubStandIn]:
    whole = {path.name: path.read_bytes() for path in tiny_model.iterdir() if path.name != "model.json"}
    with serving(HubStandIn(models={"acme/tiny": whole})) as standin:
        yield standin


@pytest.fixture
def greetings(tmp_path: Path) -> Path:
    path = tmp_path / "greetings.jsonl"
    row = '{{"messages": [{{"role": "user", "content": "Hi {0}"}}, {{"role": "assistant", "content": "Hello {0}"}}]}}\n'
    path.write_text("".join(row.format(number) for number in range(12)))
    return path


@pytest.fixture
def studio(hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """It trains, and has no model yet."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TUNESMITH_SPARE", "off")
    home = Home(tmp_path / "home")
    home.prepare()
    studio = Studio(home)
    studio.start()
    studio.people.save(ALICE.name, ALICE.email)
    yield studio
    studio.stop()


async def test_what_was_fetched_in_the_wizard_is_trained_on(studio: Studio, greetings: Path) -> None:
    studio.datasets.add(greetings, name=None, actor=ALICE)
    async with browsing(studio, Signals()) as user:
        await user.open("/dashboard/fine-tuning/create?step=1")
        user.find("provider-hub").trigger("change")
        user.find("hub-search").type("acme")
        user.find("hub-find").click()
        await user.should_see("acme/tiny")
        user.find("hub-acme/tiny").click()
        # Nobody chooses it: it is what this job was waiting for.
        await user.should_see("is in the library now, and is the base model of this job.")
        user.find("step-3").click()
        await user.should_see("the model's limit")  # asked are more tokens than it can read
        user.find("create").click()
        job = await job_of(studio, Objective.SFT)
    [model] = [model for model in studio.models.all() if model.ready]
    assert job.model_id == model.id
    assert studio.runs.run_spec(job.id).hyperparameters.max_context_length == 512
    ended = await asyncio.to_thread(wait_for, studio, job.id, Status.COMPLETED, Status.FAILED)
    assert ended.status is Status.COMPLETED, ended.message
