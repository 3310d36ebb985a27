"""The dashboard: what supervised fine-tuning is, the first steps, and how everything stands. Live without a reload."""

import asyncio

from fastapi.responses import RedirectResponse
from nicegui import background_tasks, ui

from core.feed import FeedUpdate
from core.overview import Figures
from core.studio import Studio
from storage.rows import Kind
from ui import routes
from ui.components.hero import hero
from ui.components.live_jobs import LatestJobs, LiveJobs
from ui.components.quick_actions import quick_actions
from ui.components.stat_cards import StatCards
from ui.components.text import box
from ui.components.try_it_now import TryItNow
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.threads import in_thread

#: The core finds everything once a second at most, for all pages together.
REFRESH_S = 1.0
#: How busy the machine is, is told by nobody.
LOOK_EVERY_S = 2.0


def register(studio: Studio, signals: Signals) -> None:
    @ui.page("/")
    def home() -> RedirectResponse:
        return RedirectResponse(routes.DASHBOARD)

    @ui.page(routes.DASHBOARD)
    async def dashboard_page() -> None:
        figures = await _look(studio)
        starter = await in_thread(studio.models.starter.state)
        async with frame(studio, "Dashboard", tells_starter=bool(figures.jobs)):
            with box("ts-page-head"):
                page_head(
                    "Supervised Fine-Tuning",
                    "Train custom AI models with labeled examples (input → output pairs) through supervised learning.",
                )
            try_it_now = None if figures.jobs else TryItNow(studio, starter)
            hero()
            quick_actions(Kind.SUPERVISED)
            view = DashboardView(studio, figures, try_it_now)
            signals.jobs.subscribe(view.on_job)
            signals.feed.subscribe(view.on_feed)


async def _look(studio: Studio) -> Figures:
    actor = await in_thread(studio.people.actor)
    return await in_thread(studio.overview.look, actor)


class DashboardView:
    def __init__(self, studio: Studio, figures: Figures, try_it_now: TryItNow | None) -> None:
        self._studio = studio
        self._task = f"dashboard {ui.context.client.id}"
        self._live_ids: set[str] = set()
        self._try_it_now = try_it_now
        self._live = LiveJobs()
        self._stats = StatCards(figures)
        self._latest = LatestJobs()
        self._show(figures)
        ui.timer(LOOK_EVERY_S, self._ask, immediate=False)

    def on_job(self, _job_id: str) -> None:
        self._ask()

    def on_feed(self, update: FeedUpdate) -> None:
        if update.job_id in self._live_ids:
            self._ask()

    def _ask(self) -> None:
        background_tasks.create_lazy(self._refresh(), name=self._task)

    async def _refresh(self) -> None:
        """At most one look a second, however fast things change."""
        self._show(await _look(self._studio))
        await asyncio.sleep(REFRESH_S)

    def _show(self, figures: Figures) -> None:
        self._live_ids = {live.job.id for live in figures.live}
        self._live.show(figures.live)
        self._stats.show(figures)
        self._latest.show(figures.latest)
        if self._try_it_now and figures.jobs:
            self._try_it_now.hide()
