"""Events and logs on the job page: live, searched, escaped, and away as files; and what checkpoints are good for."""

from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User
from standin import claim

from core.feed import FeedUpdate
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Checkpoint, Finished, Phase, Warn
from storage.manifest import seal
from storage.run_folder import Attempt
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import now
from ui.signals import Signals


@pytest.fixture
def attempt(studio: Studio, asked: JobSpec) -> Attempt:
    """Of a job that runs, has said three things and printed two lines."""
    job, attempt = claim(studio, asked)
    studio.runs.move(job, Status.RUNNING)
    writer = EventWriter(attempt.events)
    for event in (Phase(name="loading"), Phase(name="training", total=10), Warn(message="Two rows were cut.")):
        writer.append(event)
    writer.close()
    attempt.stderr.write_text("Loading weights\n<script>alert(1)</script> \x1b[31mred\x1b[0m\n")
    return attempt


def page_of(attempt: Attempt) -> str:
    return f"/dashboard/fine-tuning/supervised/{attempt.path.parents[1].name}"


def log(user: User) -> str:
    (element,) = user.find(marker="log").elements
    return str(element.text)  # type: ignore[attr-defined]


async def test_events_are_told_live_and_searched(user: User, signals: Signals, attempt: Attempt) -> None:
    await user.open(page_of(attempt))
    for text in ("Started.", "Trains: 10 steps in all.", "Warning: Two rows were cut."):
        await user.should_see(text)
    again = Phase(seq=1, name="training", total=10)  # the page has read it already
    saved = Checkpoint(seq=3, step=5, name="step-00000005", bytes=1024**2)
    ended = Finished(seq=4, outcome="completed", step=10)
    signals.feed.emit(
        FeedUpdate(job_id=attempt.path.parents[1].name, attempt=attempt.number, events=(again, saved, ended))
    )
    await user.should_see("Checkpoint of step 5 saved, 1.0 MB.")
    await user.should_see("Finished after step 10.")
    assert len(user.find("Trains: 10 steps in all.").elements) == 1
    user.find(marker="log-search").type("CHECKPOINT saved")
    await user.should_not_see("Finished after step 10.")
    await user.should_see("Checkpoint of step 5 saved, 1.0 MB.")


async def test_the_log_is_text_followed_and_searched(user: User, attempt: Attempt) -> None:
    await user.open(page_of(attempt))
    user.find(marker="show-logs").click()
    await user.should_see("Loading weights")
    assert log(user) == "Loading weights\n<script>alert(1)</script> red"
    with attempt.stderr.open("a") as file:
        file.write("Step 1\n")
    await user.should_see("Step 1")
    user.find(marker="log-search").type("weights")
    await user.should_not_see("Step 1")
    assert log(user) == "Loading weights"
    user.find(marker="log-search").clear().type("no such words")
    await user.should_see("No line holds these words.")


async def test_a_log_that_is_not_followed_stays_as_it_was(user: User, attempt: Attempt) -> None:
    await user.open(page_of(attempt))
    user.find(marker="show-logs").click()
    await user.should_see("Loading weights")
    user.find(marker="follow").click()
    (timer,) = [one for one in user.find(ui.timer).elements if one.interval == 2.0]
    assert not timer.active
    user.find(marker="follow").click()
    assert timer.active


async def test_a_trainer_without_a_last_word_has_its_end_told_and_its_log_a_click_away(
    user: User, studio: Studio, attempt: Attempt
) -> None:
    job = studio.runs.get(attempt.path.parents[1].name)
    studio.runs.move(job, Status.FAILED, message="The trainer ended with code 143.", ended_at=now())
    await user.open(page_of(attempt))
    assert len(user.find("The trainer ended with code 143.").elements) == 2  # on the card, and among the events
    user.find(marker="show-log").click()
    await user.should_see("Loading weights")


async def test_logs_are_downloads_and_nothing_else_is(user: User, attempt: Attempt) -> None:
    answer = await user.http_client.get(f"{page_of(attempt)}/logs/1-stderr.log")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.text.startswith("Loading weights")
    for key in ("1-events.jsonl", "..%2Fclaim.json", "9-stderr.log"):
        assert (await user.http_client.get(f"{page_of(attempt)}/logs/{key}")).status_code == 404


async def test_a_checkpoint_is_used_and_taken_away(user: User, studio: Studio, attempt: Attempt) -> None:
    folder: Path = attempt.path.parents[1] / "checkpoints"
    partial = folder / "next.partial"
    partial.mkdir()
    (partial / "weights").write_bytes(b"w" * 1000)
    seal(partial, folder / "step-00000005")
    await user.open(page_of(attempt))
    await user.should_see(marker="use-5")
    user.find(marker="use-5").click()
    user.find(marker="deploy-5").click()
    await user.should_see(marker="deployment-name")
    answer = await user.http_client.get(f"{page_of(attempt)}/checkpoints/5.tar")
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000
    for step in ("6", "x", "-5", "9" * 5000):
        refused = await user.http_client.get(f"{page_of(attempt)}/checkpoints/{step}.tar")
        assert refused.status_code == 404
