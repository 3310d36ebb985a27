"""The models pages: what is here, what is fetched, and what jobs have made of it."""

import pytest
from hub_standin import HubStandIn, serving
from nicegui.testing import User

from core.studio import Studio

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
