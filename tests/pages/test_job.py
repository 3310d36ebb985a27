"""The job page: what a job is, what it waits for, how it goes, and that unknown ones are not found."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from nicegui import ui
from nicegui.testing import User
from standin import claim

from core.feed import FeedUpdate
from core.people import Actor
from core.studio import Studio
from storage.events import Checkpoint, Metric, Phase, Sample
from storage.jobs import Query
from storage.manifest import seal
from storage.retention import PIN
from storage.run_folder import RunFolder, Stretch
from storage.spec import JobSpec, RunSpec
from storage.status import Cause, Status
from ui.signals import Signals

BOB = Actor("Bob", "bob@example.org")


def page_of(job_id: str) -> str:
    return f"/dashboard/fine-tuning/supervised/{job_id}"


async def test_an_unknown_job_is_a_404_with_a_way_back(user: User) -> None:
    answer = await user.http_client.get(page_of("nobody"))
    assert answer.status_code == 404
    assert "There is no job “nobody”" in answer.text
    assert "Back to the jobs list" in answer.text


async def test_a_queued_job_says_what_it_is_and_why_it_waits(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked.model_copy(update={"display_name": "My tone"}), actor=BOB)
    await user.open(page_of(job.id))
    for text in ("My tone", f"jobs/{job.id}", "Queued", "Starts in a moment.", "No data", "No current deployments."):
        await user.should_see(text)
    for text in ("Conversation", "greetings", "10 % held out", "Not set", "65536 was asked: the model's limit."):
        await user.should_see(text)


async def test_cancel_asks_first_and_then_says_who_did_it(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(page_of(job.id))
    user.find("Cancel job").click()
    await user.should_see("Cancelled by Alice.")
    assert studio.runs.get(job.id).status is Status.CANCELLED


async def test_a_job_that_is_over_can_be_deleted_from_its_page(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await asyncio.to_thread(studio.runs.cancel, job.id, actor=BOB)
    await user.open(page_of(job.id))
    user.find(marker="delete").click()
    user.find(kind=ui.button, content="Delete job").click()
    await user.should_see("Teach a model with your own examples")
    assert not studio.home.runs.joinpath(job.id).exists()


async def test_a_failure_shows_its_evidence_and_the_next_thing_to_do(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(page_of(job.id))
    await user.should_not_see("This job failed")
    claimed = studio.runs.claim_next()
    assert claimed
    why = {"cause": Cause.NAN_LOSS, "message": "The loss is not a number at step 3.", "evidence": "loss=nan"}
    await asyncio.to_thread(studio.runs.move, claimed, Status.FAILED, **why)
    for text in ("This job failed", "The loss is not a number at step 3.", "loss=nan", "smaller Learning Rate"):
        await user.should_see(text)


async def failed_page(
    user: User, studio: Studio, asked: JobSpec, cause: Cause, status: Status = Status.FAILED
) -> tuple[str, RunSpec]:
    """The open page of a job that has ended with `cause`."""
    job = studio.runs.submit(asked, actor=BOB)
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, status, cause=cause, message="It happened.", evidence="Error: it")
    await user.open(page_of(job.id))
    return job.id, studio.runs.run_spec(job.id)


def newest_other(studio: Studio, job_id: str) -> RunSpec:
    (other,) = [row for row in studio.runs.search(Query()).rows if row.id != job_id]
    assert (other.status, other.created_by_name) == (Status.QUEUED, "Alice")
    return studio.runs.run_spec(other.id)


@pytest.mark.parametrize("cause", [Cause.OOM_GPU, Cause.OOM_HOST])
async def test_out_of_memory_is_mended_with_a_click_by_half_the_micro_batch(
    user: User, studio: Studio, asked: JobSpec, cause: Cause
) -> None:
    job_id, ran = await failed_page(user, studio, asked, cause)
    await user.should_see("Halve the max context length and retry")
    user.find("Halve the micro-batch and retry").click()
    await user.should_see("Queued")
    again = newest_other(studio, job_id)
    assert user.back_history[-1] == page_of(again.job_id)
    await user.should_see(f"{again.compute.micro_batch_tokens:,} tokens")
    assert again.compute.micro_batch_tokens == ran.compute.micro_batch_tokens // 2
    assert again.asked.dataset == asked.dataset
    assert studio.runs.get(job_id).status is Status.FAILED


async def test_a_lost_loss_is_tried_with_a_tenth_of_the_learning_rate(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    job_id, _ = await failed_page(user, studio, asked, Cause.NAN_LOSS)
    user.find("A tenth of the learning rate and retry").click()
    await user.should_see("Queued")
    assert newest_other(studio, job_id).hyperparameters.learning_rate == 1e-5


@pytest.mark.parametrize(
    ("status", "label", "head"),
    [(Status.FAILED, "Try again", "This job failed"), (Status.PAUSED, "Resume", "This job paused by itself")],
)
async def test_after_a_full_disk_the_same_job_goes_on(
    user: User, studio: Studio, asked: JobSpec, status: Status, label: str, head: str
) -> None:
    job_id, _ = await failed_page(user, studio, asked, Cause.DISK_FULL, status)
    for text in (head, "disk full", "Free some disk space, then go on.", "It happened."):
        await user.should_see(text)
    await user.should_see(label)
    user.find(marker="remedy").click()
    await user.should_see("in the queue again")
    await user.should_not_see(head)
    assert studio.runs.get(job_id).status is Status.QUEUED


@pytest.mark.parametrize("cause", [Cause.BAD_DATASET, Cause.GATED_MODEL, Cause.MODEL_NOT_FOUND])
async def test_what_only_a_person_can_mend_gets_a_sentence_and_no_retry(
    user: User, studio: Studio, asked: JobSpec, cause: Cause
) -> None:
    await failed_page(user, studio, asked, cause)
    await user.should_see("Clone and change")
    for text in ("Try again", "retry"):
        await user.should_not_see(text)


async def test_a_remedy_that_cannot_start_says_why(user: User, studio: Studio, asked: JobSpec) -> None:
    job_id, _ = await failed_page(user, studio, asked, Cause.NETWORK)
    claimed = studio.runs.retry(job_id, actor=BOB)
    assert claimed.status is Status.QUEUED
    user.find("Try again").click()
    await user.should_see("is queued, so it cannot be tried again")


async def test_history_and_live_events_make_one_curve(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    job, attempt = claim(studio, asked)
    events = tuple(Metric(seq=n, step=n + 1, epoch=0.1 * n, values={"loss": 2.0 - n / 10}) for n in range(6))
    attempt.events.write_text("".join(event.model_dump_json() + "\n" for event in events[:4]))
    await user.open(page_of(job.id))
    assert steps_on(user) == [1, 2, 3, 4]
    # The feed publishes what the page has read already, and two more.
    for news in (events[2:5], events[4:], events[:6]):
        signals.feed.emit(FeedUpdate(job_id=job.id, attempt=job.attempt, events=news))
    assert steps_on(user) == [1, 2, 3, 4, 5, 6]


async def test_answers_stand_side_by_side(user: User, studio: Studio, signals: Signals, asked: JobSpec) -> None:
    job, _ = claim(studio, asked)
    await user.open(page_of(job.id))
    await user.should_not_see("Before and after")
    said = {"index": 0, "step": 0, "prompt": "Hello", "expected": "Hi", "held_out": True}
    before = Sample(seq=0, answer="Greetings, <b>human</b>.", tuned=False, **said)
    after = Sample(seq=1, answer="Hi 7", tuned=True, **said)
    signals.feed.emit(FeedUpdate(job_id=job.id, attempt=job.attempt, events=(before, after)))
    for text in ("Before and after", "Greetings, <b>human</b>.", "Hi 7"):
        await user.should_see(text)


def saved(folder: RunFolder, *steps: int) -> None:
    for step in steps:
        partial = folder.checkpoints / "next.partial"
        partial.mkdir()
        (partial / "weights").write_bytes(b"w" * 1000)
        seal(partial, folder.checkpoints / f"step-{step:08d}")


async def test_a_checkpoint_is_pinned_and_another_deleted_from_the_page(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    job, attempt = claim(studio, asked)
    folder = studio.runs.folder(job.id)
    studio.runs.move(job, Status.RUNNING)
    await user.open(page_of(job.id))
    await user.should_see("None yet.")
    await user.should_see(
        "Written every 10 minutes and at each epoch’s end. Kept: the best 1, the latest 2 and pinned ones."
    )

    saved(folder, 10, 20, 30)
    events = tuple(
        Checkpoint(seq=seq, step=step, name=f"step-{step:08d}", bytes=1000, eval_loss=3 - step / 10)
        for seq, step in enumerate((10, 20, 30))
    )
    attempt.events.write_text("".join(event.model_dump_json() + "\n" for event in events))
    signals.feed.emit(FeedUpdate(job_id=job.id, attempt=1, events=events))
    for text in ("best", "latest", "2.0000"):
        await user.should_see(text)
    await user.should_not_see(marker="unpin-10")

    user.find(marker="pin-10").click()
    await user.should_see(marker="unpin-10")
    assert "alice@example.org" in (folder.checkpoints / "step-00000010" / PIN).read_text()
    user.find(marker="delete-20").click()
    await user.should_see("Delete this checkpoint?")
    user.find(kind=ui.button, content="Delete checkpoint").click()
    await user.should_not_see("1.0000")
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["step-00000010", "step-00000030"]
    # Pinned, and the newest of a job that runs: neither can be deleted.
    for step in (10, 30):
        (button,) = user.find(marker=f"delete-{step}").elements
        assert isinstance(button, ui.button)
        assert not button.enabled
        assert "Unpin it first" in button.props["title"] or "would go on from step 30" in button.props["title"]


async def test_of_many_checkpoints_the_newest_and_the_marked_come_first(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    saved(studio.runs.folder(job.id), *range(1, 21))
    studio.checkpoints.pin(job.id, 2, actor=BOB)
    await user.open(page_of(job.id))
    await user.should_see(marker="checkpoint-13")
    await user.should_see(marker="checkpoint-2")
    await user.should_not_see(marker="checkpoint-12")
    user.find("Show all 20").click()
    await user.should_see(marker="checkpoint-12")


async def test_a_long_step_shows_its_passes_until_it_is_told(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    job, attempt = claim(studio, asked)
    training = Phase(seq=0, name="training", total=30, epochs=1)
    attempt.events.write_text(training.model_dump_json() + "\n")
    attempt.write_stretch(Stretch("pass", 1, 7, 16))
    studio.runs.move(job, Status.RUNNING)
    await user.open(page_of(job.id))
    await user.should_see("Step 1/30 · pass 8/16")

    def publish(stretch: Stretch | None, *events: Metric) -> None:
        signals.feed.emit(FeedUpdate(job_id=job.id, attempt=1, events=events, stretch=stretch))

    publish(Stretch("pass", 1, 8, 16))
    await user.should_see("Step 1/30 · pass 9/16")
    publish(Stretch("pass", 1, 15, 16), Metric(seq=1, step=1, epoch=0.1, values={"loss": 1.0}))
    await user.should_not_see("pass")
    publish(Stretch("rollout", 2, 5, 24))
    await user.should_see("Step 2/30 · answering, token 6 of 24")
    publish(Stretch("pass", 2, 8, 16))
    await user.should_see("Step 2/30 · pass 9/16")
    await user.should_see("5 % • Epoch 1/1")
    publish(Stretch("evaluation", 2, 3, 12))
    await user.should_see("Evaluating, part 4 of 12")
    publish(None)
    await user.should_not_see("Evaluating")


def steps_on(user: User) -> list[int]:
    (chart,) = user.find(marker="chart-loss").elements
    assert isinstance(chart, ui.plotly)
    steps: list[int] = chart.figure["data"][0]["x"]
    return steps


async def test_the_time_that_is_left_goes_by_this_attempts_pace(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    job, attempt = claim(studio, asked)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    begun = Phase(seq=0, name="training", done=100, total=300, epochs=1, at=noon)
    attempt.events.write_text(begun.model_dump_json() + "\n")
    studio.runs.move(job, Status.RUNNING)
    await user.open(page_of(job.id))
    await user.should_not_see("min left")
    after = Metric(seq=1, step=110, epoch=0.3, values={"loss": 1.0}, at=noon + timedelta(seconds=100))
    signals.feed.emit(FeedUpdate(job_id=job.id, attempt=1, events=(after,)))
    await user.should_see("about 32 min left")


async def test_thirty_pages_on_one_job_cost_one_reader(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(page_of(job.id))
    this = psutil.Process()
    files, threads = this.num_fds(), this.num_threads()
    for _ in range(30):
        await user.open(page_of(job.id))
    assert this.num_fds() - files < 10
    # What looks into the database runs in one pool of threads, however many pages ask.
    assert this.num_threads() - threads <= (os.cpu_count() or 1) + 4
