"""What the page tests share: the simulated browser, and the job that a click has made in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from nicegui.testing import User
from nicegui.testing.user_simulation import user_simulation

from core.studio import Studio
from storage.jobs import Query
from storage.spec import Objective
from storage.tables import Job
from ui import design
from ui.pages import register_all
from ui.signals import Signals

#: Looks at a page before it is said that something is not there: half a minute, of which a good page needs a moment.
PATIENCE = {"should_see": 300, "should_not_see": 600}


@asynccontextmanager
async def browsing(studio: Studio, signals: Signals) -> AsyncIterator[User]:
    """A browser on all pages. The plugin of nicegui.testing resets NiceGUI for every test of a session, so it is not
    loaded; its context manager does the same for these tests only.

    NiceGUI's own patience is a third of a second, which a busy machine does not keep."""
    async with user_simulation() as simulated:
        for look, retries in PATIENCE.items():
            setattr(simulated, look, partial(getattr(simulated, look), retries=retries))
        design.apply()
        register_all(studio, signals)
        yield simulated


async def job_of(studio: Studio, objective: Objective) -> Job:
    for _ in range(600):
        if found := studio.runs.search(Query(objective=objective)).rows:
            return found[0]
        await asyncio.sleep(0.1)
    raise AssertionError("No job was made.")
