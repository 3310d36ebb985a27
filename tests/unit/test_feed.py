"""One reader owns history and live updates: together they show every event exactly once."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from core.feed import MOST_UNPUBLISHED, PIECE_BYTES, Feed, FeedUpdate
from storage.event_log import EventWriter
from storage.events import Checkpoint, Event, Metric, Phase
from storage.run_folder import RunFolder
from storage.spec import RunSpec


@pytest.fixture
def folder(tmp_path: Path, run_spec: RunSpec) -> RunFolder:
    (tmp_path / "runs").mkdir()
    folder = RunFolder.create(tmp_path / "runs", run_spec)
    folder.attempt(1).claim("t" * 32)
    return folder


def metric(step: int, loss: float = 1.0) -> Metric:
    return Metric(step=step, epoch=step / 10, values={"loss": loss})


async def test_history_and_live_updates_meet_without_gap_or_double(tmp_path: Path, folder: RunFolder) -> None:
    published: asyncio.Queue[FeedUpdate] = asyncio.Queue()
    feed = Feed(tmp_path / "runs", published.put_nowait)
    watching = asyncio.create_task(feed.run())
    writer = EventWriter(folder.attempt(1).events)
    for step in range(5):
        writer.append(metric(step))
    history = await asyncio.to_thread(feed.history, folder.job_id)
    for step in range(5, 30):
        writer.append(metric(step))
        await asyncio.sleep(0)
    steps = [point.step for point in history.series["loss"]]
    while steps[-1] != 29:
        update = await asyncio.wait_for(published.get(), 10)
        steps += [event.step for event in update.events if isinstance(event, Metric) and event.seq > history.seq]
    assert steps == list(range(30))
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def test_a_further_attempt_goes_on_where_it_resumed(tmp_path: Path, folder: RunFolder) -> None:
    feed = Feed(tmp_path / "runs", lambda update: None)
    first = EventWriter(folder.attempt(1).events)
    for step in range(1, 9):
        first.append(metric(step, loss=1.0))
    assert feed.history(folder.job_id).attempt == 1
    folder.attempt(2).claim("u" * 32)
    second = EventWriter(folder.attempt(2).events)
    second.append(Phase(name="training", total=10, epochs=1))
    for step in range(5, 11):
        second.append(metric(step, loss=2.0))
    history = feed.history(folder.job_id)
    assert (history.attempt, history.seq) == (2, 6)
    assert [(point.step, point.value) for point in history.series["loss"]] == [
        *((step, 1.0) for step in range(1, 5)),
        *((step, 2.0) for step in range(5, 11)),
    ]


def test_a_run_without_events_has_an_empty_history(tmp_path: Path, folder: RunFolder) -> None:
    history = Feed(tmp_path / "runs", lambda update: None).history(folder.job_id)
    assert history.series == {}
    assert history.seq == -1


async def test_the_past_of_a_run_that_nobody_followed_is_no_news(tmp_path: Path, folder: RunFolder) -> None:
    """Millions of events at once would hold up every page; whoever opens one reads them as history."""
    published: asyncio.Queue[FeedUpdate] = asyncio.Queue()
    feed = Feed(tmp_path / "runs", published.put_nowait)
    lines = (metric(step).model_copy(update={"seq": step}).model_dump_json() + "\n" for step in range(100_000))
    folder.attempt(1).events.write_text("".join(lines))
    history = await asyncio.to_thread(feed.history, folder.job_id)
    assert history.seq == 99_999
    watching = asyncio.create_task(feed.run())
    await asyncio.sleep(0)
    writer = folder.attempt(1).events.open("a")
    writer.write(metric(100_000).model_copy(update={"seq": 100_000}).model_dump_json() + "\n")
    writer.close()
    events = 0
    newest = -1
    while newest < 100_000:
        update = await asyncio.wait_for(published.get(), 30)
        events += len(update.events)
        newest = update.events[-1].seq if update.events else newest
    assert events <= 2 * MOST_UNPUBLISHED
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def test_a_long_past_that_is_read_in_bulk_is_the_same_as_one_that_was_followed(
    tmp_path: Path, folder: RunFolder
) -> None:
    followed = Feed(tmp_path / "runs", lambda update: None)
    for number, first, last in ((1, 1, 6000), (2, 5001, 12_000)):
        attempt = folder.attempt(number)
        if number > 1:
            attempt.claim("u" * 32)
        writer = attempt.events.open("ab")
        events: list[Event] = [Phase(name="training", total=12_000, epochs=1)]
        for step in range(first, last):
            values = {"loss": 50.0 if step == 777 else step % 7, "step_seconds": 2.0, "tokens_per_second": 9.0}
            events.append(Metric(step=step, epoch=step / 12_000, values=values | {"grad_norm": None, "x" * 700: 1.0}))
            if step % 1000 == 0:
                events.append(Metric(step=step, epoch=step / 12_000, values={"eval_loss": 1 / step, "loss": 3.0}))
                events.append(Checkpoint(step=step, name=f"step-{step}", bytes=1, eval_loss=1 / step))
        for seq, event in enumerate(events):
            writer.write(event.model_copy(update={"seq": seq}).model_dump_json().encode() + b"\n")
            if seq % 500 == 0:
                writer.flush()
                followed.history(folder.job_id)
        writer.write(b"no event\n")
        writer.close()
        assert attempt.events.stat().st_size > PIECE_BYTES
        followed.history(folder.job_id)
    opened = Feed(tmp_path / "runs", lambda update: None)
    assert opened.history(folder.job_id) == followed.history(folder.job_id)
    assert 50.0 in [point.value for point in opened.history(folder.job_id).series["loss"]]


def test_a_history_goes_on_with_what_is_published(tmp_path: Path, folder: RunFolder) -> None:
    """Whoever holds it need not read the run again for its measurements; what it holds already counts once."""
    feed = Feed(tmp_path / "runs", lambda update: None)
    writer = EventWriter(folder.attempt(1).events)
    events = [
        Metric(
            seq=step,
            step=step,
            epoch=step / 9,
            values={"loss": 1 / (step + 1), "tokens_per_second": 5.0, "step_seconds": 2.0},
        )
        for step in range(9)
    ]
    for event in events[:4]:
        writer.append(event)
    held = feed.history(folder.job_id)
    for event in events[4:]:
        writer.append(event)
    assert held.after(events[2:6]).after(events[5:]) == feed.history(folder.job_id)
