"""A long run is read for seconds when it is first opened: its page is there before that, and says how far it is."""

import asyncio

from nicegui import ui
from nicegui.testing import User

from core.feed import PIECE_BYTES, Feed
from core.studio import Studio
from storage.events import Metric
from storage.spec import JobSpec
from ui.components.past_progress import PastProgress


async def test_a_page_says_how_far_reading_is_and_then_no_more(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=studio.people.actor())
    attempt = studio.runs.folder(job.id).attempt(1)
    attempt.claim("t" * 32)
    line = Metric(step=1, epoch=0.1, values={"loss": 1.0}).model_dump_json() + "\n"
    attempt.events.write_text(line * (PIECE_BYTES // len(line) + 10))
    may_end = asyncio.Event()

    async def read() -> None:
        await may_end.wait()

    @ui.page("/reading")
    async def page() -> None:
        await PastProgress(Feed(studio.home.runs, lambda _: None), [job.id]).show_until(read, patience_s=0)

    await user.open("/reading")
    await user.should_see("Reading what was measured so far: 0 %")
    assert studio.feed.share_read([job.id]) == 0
    studio.feed.history(job.id)
    assert studio.feed.share_read([job.id]) == 1
    may_end.set()
    await user.should_not_see("Reading what was measured so far")
