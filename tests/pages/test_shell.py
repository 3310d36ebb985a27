"""The shell around every page: navigation, breadcrumbs, the palette's search, and the news that a job has ended."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest
from nicegui import app, ui
from nicegui.testing import User

from core.people import Actor
from core.studio import Studio
from storage.spec import JobSpec, Objective
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.palette import ACTIONS, PAGES, SEARCH, Palette

BOB = Actor("Bob", "bob@example.org")


def links(user: User) -> list[str]:
    return [str(found.props.get("href")) for found in user.find(kind=ui.element).elements if found.tag == "a"]


@pytest.mark.parametrize("href", [href for _, _, href in (*PAGES, *ACTIONS)])
async def test_every_page_of_the_palette_exists_and_leads_back_to_the_dashboard(user: User, href: str) -> None:
    answer = await user.http_client.get(href)
    assert answer.status_code == 200
    await user.open(href)
    assert user.find(kind=Palette).elements
    assert links(user).count(routes.DASHBOARD) == (
        2 if href == routes.DASHBOARD else 3
    )  # brand, navigation, breadcrumb


async def test_the_palette_finds_jobs_datasets_models_and_deployments(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked.model_copy(update={"display_name": "Tone <b>of</b> greetings"}), actor=BOB)
    studio.deployments.create("greeter", "tiny", actor=BOB)
    found = await search(user, "greet")
    assert [(hit["group"], hit["title"]) for hit in found] == [
        ("Jobs", "Tone <b>of</b> greetings"),
        ("Datasets", "greetings"),
        ("Deployments", "greeter"),
    ]
    assert found[0]["href"] == routes.job(job.id, Objective.SFT)
    assert (found[0]["label"], found[0]["tone"]) == ("Queued", "waiting")
    assert [hit["title"] for hit in await search(user, job.id)] == ["Tone <b>of</b> greetings"]
    assert [(hit["title"], hit["href"]) for hit in await search(user, "tiny nobody")] == [
        ("Tiny", "/dashboard/models?q=Tiny")
    ]
    assert await search(user, "no such thing") == []
    assert {hit["group"] for hit in await search(user, "")} == {"Jobs", "Datasets", "Models", "Deployments"}


@pytest.mark.parametrize("words", ['"', "%_\\", "\0", "a" * 5000, "NEAR( OR", "ß 🦙"])
async def test_whatever_is_typed_is_an_answer(user: User, studio: Studio, words: str) -> None:
    assert await search(user, words) == []


async def search(user: User, words: str) -> list[dict[str, Any]]:
    answer = await user.http_client.get(SEARCH, params={"q": words})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_an_address_without_a_page_leads_back(user: User) -> None:
    answer = await user.http_client.get("/dashboard/<b>nowhere</b>")
    assert answer.status_code == 404
    for text in ("There is no such page", "Back to the dashboard", "ts-nav"):
        assert text in answer.text
    assert "<b>nowhere" not in answer.text


async def test_a_page_that_fails_says_so_in_style(user: User, caplog: pytest.LogCaptureFixture) -> None:
    @ui.page("/broken")
    async def broken() -> None:
        raise ValueError("the <i>index</i> is away")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # as uvicorn does, which writes them to its log
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
        answer = await browser.get("/broken")
    assert answer.status_code == 500
    for text in ("This page is broken", "ValueError: the &lt;i&gt;index", "tunesmith doctor", "ts-nav"):
        assert text in answer.text
    caplog.clear()


@pytest.fixture
def running(studio: Studio, asked: JobSpec) -> Job:
    """A job that runs when the pages are opened. Named before `user`."""
    studio.runs.submit(asked.model_copy(update={"display_name": "my run"}), actor=BOB)
    claimed = studio.runs.claim_next()
    assert claimed
    return claimed


async def test_every_open_page_hears_once_that_a_job_has_ended(running: Job, user: User, studio: Studio) -> None:
    told: list[dict[str, Any]] = []
    client = await user.open(routes.datasets())
    send = client.outbox.enqueue_message

    def sending(kind: str, data: Any, target: str) -> None:
        """The simulated browser runs no script, so what it is asked to run is read on its way."""
        if kind == "run_javascript" and (asked := re.match(r'return runMethod\(\d+, "tell", (.*)\)$', data["code"])):
            told.extend(json.loads(asked[1]))
        send(kind, data, target)

    client.outbox.enqueue_message = sending
    studio.runs.move(running, Status.FAILED, message="The GPU ran out of memory.")
    for _ in range(300):
        if told:
            break
        await asyncio.sleep(0.05)
    studio.queue.announce(running.id)  # a change of a job that is over is no news
    await asyncio.sleep(0.3)
    assert told == [
        {
            "id": running.id,
            "title": "my run",
            "text": "The GPU ran out of memory.",
            "label": "Failed",
            "tone": "bad",
            "url": routes.job(running.id),
        }
    ]
