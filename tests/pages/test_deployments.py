"""The deployments pages: what answers, how it stands, and what can be done with it."""

from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User

from core.people import Actor
from core.studio import Studio
from storage.files import write_json
from storage.manifest import seal
from storage.spec import JobSpec
from storage.status import Status

ALICE = Actor("Alice", "alice@example.org")
#: A busy machine takes its time; each is a tenth of a second.
PATIENT = 30


@pytest.fixture
def tuned(studio: Studio, asked: JobSpec) -> str:
    """A completed job with an adapter as its output; its id."""
    return completed(studio, asked, "greeter")


def completed(studio: Studio, asked: JobSpec, name: str) -> str:
    studio.runs.submit(asked.model_copy(update={"job_id": name, "output_name": name}), actor=ALICE)
    job = studio.runs.claim_next()
    assert job
    folder = studio.runs.folder(job.id)
    folder.attempt(1).claim(job.token)
    partial = Path(f"{folder.output}.partial")
    partial.mkdir()
    write_json(partial / "adapter_config.json", {"peft_type": "LORA"})
    seal(partial, folder.output)
    studio.runs.move(job, Status.COMPLETED, ended_at=job.started_at)
    return name


async def test_an_empty_list_says_what_a_deployment_is(user: User) -> None:
    await user.open("/dashboard/deployments")
    await user.should_see("Nothing is deployed yet", retries=PATIENT)


async def test_a_finished_job_is_deployed_from_its_page(user: User, studio: Studio, tuned: str) -> None:
    await user.open(f"/dashboard/fine-tuning/supervised/{tuned}")
    await user.should_see("No current deployments.", retries=PATIENT)
    user.find(marker="deploy").click()
    await user.should_see("It answers by its name", retries=PATIENT)
    assert user.find(marker="deployment-name").elements.pop().value == "greeter"
    user.find(marker="deploy-confirm").click()
    await user.should_see("openai-python", retries=PATIENT)
    assert studio.deployments.get("greeter").target_id == tuned
    await user.open(f"/dashboard/fine-tuning/supervised/{tuned}")
    await user.should_not_see("No current deployments.")
    await user.should_see("Ready", retries=PATIENT)


async def test_a_deployment_is_stopped_started_and_deleted(user: User, studio: Studio, tuned: str) -> None:
    studio.deployments.create("support", tuned, actor=ALICE)
    await user.open("/dashboard/deployments/support")
    await user.should_see("Not in memory yet", retries=PATIENT)
    await user.should_see("/v1", retries=PATIENT)
    user.find(marker="stop").click()
    await user.should_see("Stopped by Alice.", retries=PATIENT)
    user.find(marker="start").click()
    await user.should_see("Not in memory yet", retries=PATIENT)
    user.find(marker="delete").click()
    user.find("Delete deployment").click()
    await user.should_see("Nothing is deployed yet", retries=PATIENT)
    assert studio.deployments.rows() == []


async def test_a_target_is_switched_in_a_dialog(user: User, studio: Studio, asked: JobSpec, tuned: str) -> None:
    other = completed(studio, asked, "better-greeter")
    studio.deployments.create("support", tuned, actor=ALICE)
    await user.open("/dashboard/deployments/support")
    user.find(marker="switch").click()
    select = user.find(marker="deployment-target").elements.pop()
    assert isinstance(select, ui.select)
    assert set(select.options) == {tuned, other, "tiny"}
    select.value = other
    user.find(marker="switch-confirm").click()
    await user.should_see("Switched to better-greeter by Alice.", retries=PATIENT)


async def test_a_name_that_cannot_be_is_refused_in_a_sentence(user: User, studio: Studio, tuned: str) -> None:
    await user.open(f"/dashboard/deployments?deploy={tuned}")
    name = user.find(marker="deployment-name").elements.pop()
    name.value = "Support Bot"
    user.find(marker="deploy-confirm").click()
    await user.should_see("cannot be a deployment's name", retries=PATIENT)
    assert studio.deployments.rows() == []


async def test_what_is_tried_without_a_worker_says_why_nothing_comes(user: User, studio: Studio, tuned: str) -> None:
    studio.deployments.create("support", tuned, actor=ALICE)
    await user.open("/dashboard/deployments/support")
    user.find(marker="try-question").type("Hello?")
    user.find(marker="try-send").click()
    await user.should_see("This studio does not serve models now.", retries=PATIENT)


async def test_a_deployment_that_is_gone_is_said_to_be(user: User) -> None:
    answer = await user.http_client.get("/dashboard/deployments/nobody")
    assert answer.status_code == 404
    assert "There is no such deployment" in answer.text
