"""The models pages: what is here, what is fetched, and what jobs have made of it."""

import io
import zipfile
from pathlib import Path

import pytest
from hub_standin import HubStandIn, serving
from nicegui.testing import User
from uploading import arrives

from core.people import Actor
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Finished
from storage.manifest import seal
from storage.spec import JobSpec
from storage.status import Status
from ui.components.button import Button

ALICE = Actor("Alice", "alice@example.org")

MODELS = "/dashboard/models"


async def test_the_library_shows_what_is_here_and_what_is_not_made_yet(user: User) -> None:
    await user.open(MODELS)
    for text in ("Tiny", "Nobody · tiny", "apache-2.0", "512 tokens", "SmolLM2-135M-Instruct", "Being prepared"):
        await user.should_see(text)
    user.find("search").type("nobody")
    await user.should_not_see("SmolLM2-135M-Instruct", retries=20)
    await user.should_see("Tiny")
    user.find("search").type(" nothing")
    await user.should_see("No models match", retries=20)


async def test_without_a_finished_job_there_are_no_custom_models(user: User) -> None:
    await user.open(f"{MODELS}?tab=custom")
    await user.should_see("No custom models yet")


async def test_a_model_begins_a_job(user: User) -> None:
    await user.open("/dashboard/fine-tuning/create?model=tiny")
    await user.should_see("Nobody · tiny")
    await user.open("/dashboard/fine-tuning/create?model=nothing")
    await user.should_see("There is no model “nothing” on this machine.")


async def test_the_hub_is_searched_and_a_refusal_is_shown(
    user: User, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the hub has only as a pickle is refused with the reason; nothing of it stays."""
    pickled = {"config.json": b'{"model_type": "llama"}', "pytorch_model.bin": b"pickle"}
    with serving(HubStandIn(models={"acme/pickled": pickled, "acme/closed": pickled}, gated={"acme/closed"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        await user.open(f"{MODELS}/add")
        user.find("hub-search").type("acme")
        user.find("hub-find").click()
        await user.should_see("acme/pickled", retries=300)
        await user.should_see("Gated models need their terms accepted")
        user.find("hub-acme/pickled").click()
        await user.should_see("keeps its weights as a pickle only", retries=300)
        user.find("discard-acme/pickled").click()
        await user.should_not_see("keeps its weights as a pickle only", retries=50)
    assert [info.id for info in studio.models.all()] == ["smollm2-135m", "tiny"]


def finished(studio: Studio, asked: JobSpec) -> str:
    """A job with an output, as if it had been trained."""
    job = studio.runs.submit(asked.model_copy(update={"output_name": "polite-bot"}), actor=ALICE)
    folder = studio.runs.folder(job.id)
    partial = folder.output.with_name("output.partial")
    partial.mkdir()
    (partial / "adapter_model.safetensors").write_bytes(b"weights")
    (partial / "README.md").write_text("# polite-bot\n<b>not bold</b>")
    seal(partial, folder.output)
    folder.attempt(1).path.mkdir(parents=True)
    writer = EventWriter(folder.attempt(1).events)
    writer.append(Finished(outcome="completed", step=12, facts={"eval_loss": 1.25, "tokens": 5120}))
    writer.close()
    claimed = studio.runs.claim_next()
    assert claimed
    for status in (Status.RUNNING, Status.COMPLETED):
        studio.runs.move(claimed, status, eval_loss=1.25)
    return str(job.id)


async def test_a_finished_job_is_a_custom_model_with_its_lineage(user: User, studio: Studio, asked: JobSpec) -> None:
    job_id = finished(studio, asked)
    await user.open(MODELS)
    await user.should_see(marker="tuned-of-tiny")
    (made,) = user.find(marker="tuned-of-tiny").elements
    await user.open(made.props["href"])
    for text in ("polite-bot", "on Tiny", "greetings", "1.2500"):
        await user.should_see(text)
    await user.open(f"{MODELS}/custom/{job_id}")
    for text in ("Where it comes from", "Tiny", "12 rows", "Results", "1.25", "5,120", "<b>not bold</b>"):
        await user.should_see(text)
    (deploy,) = user.find("deploy").elements
    assert deploy.props["href"] == f"/dashboard/deployments?deploy={job_id}"
    user.find("edit-tags").click()
    user.find("model-tags").type("support, kind ,support")
    user.find("save-tags").click()
    await user.should_see(marker="tag-kind", retries=20)
    assert studio.custom_models.get(job_id).tags == ("support", "kind")
    (start,) = user.find("start-from").elements
    await user.open(start.props["href"])
    await user.should_see("polite-bot", retries=20)
    await user.open(f"{MODELS}/custom/nothing")
    await user.should_see("There is no job “nothing”")


async def test_an_archive_that_is_no_adapter_is_refused_on_the_page(user: User, studio: Studio) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("polite/adapter_model.bin", b"pickle")
    await user.open(f"{MODELS}/add?way=upload")
    await arrives(user, "polite.zip", out.getvalue(), is_export=True)
    await user.should_see("holds weights as a pickle only", retries=50)
    assert [path.name for path in studio.home.models.iterdir()] == ["tiny"]


async def test_the_cache_and_folders_say_where_they_look(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    await user.open(f"{MODELS}/add?way=folder")
    await user.should_see("No folder is open yet")
    monkeypatch.setenv("TUNESMITH_IMPORT_ROOTS", str(tmp_path))
    await user.open(f"{MODELS}/add?way=folder")
    user.find("model-folder").type("/etc")
    user.find("add-folder").click()
    await user.should_see("lies outside the folders that may be read", retries=20)
    (tmp_path / "docs").mkdir()
    user.find("model-folder").clear().type(str(tmp_path / "docs"))
    user.find("add-folder").click()
    await user.should_see("docs has no config.json at its top", retries=20)


async def test_a_model_that_a_job_needs_is_not_deleted(user: User, studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked, actor=ALICE)
    await user.open(MODELS)
    user.find("delete-tiny").click()
    await user.should_see("Delete Tiny?")
    user.find(kind=Button, content="Delete").click()
    await user.should_see("Tiny is used by", retries=20)
    assert (studio.home.models / "tiny").is_dir()
