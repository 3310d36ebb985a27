"""What runs now: each job with its progress and its curve, kept in step without a reload."""

from collections.abc import Sequence

from nicegui import ui

from core.overview import Live
from storage.tables import Job
from ui import routes
from ui.components.clock import short_date, time_of_day
from ui.components.job_progress import Progress, ProgressBar
from ui.components.sparkline import Sparkline
from ui.components.status_pill import StatusPill
from ui.components.text import Text, box, heading, link
from ui.texts import say


class LiveJobs:
    """Invisible while nothing runs."""

    def __init__(self) -> None:
        with box("ts-section", "section").props("aria-labelledby=running-now") as self._section:
            heading("Running now", 2).props("id=running-now")
            self._list = box("ts-live-list").mark("live-jobs")
        self._cards: dict[str, LiveCard] = {}

    def show(self, live: Sequence[Live]) -> None:
        self._section.visible = bool(live)
        ids = [one.job.id for one in live]
        if ids != list(self._cards):
            self._list.clear()
            with self._list:
                self._cards = {one.job.id: LiveCard(one) for one in live}
        for one in live:
            self._cards[one.job.id].show(one)


class LiveCard:
    def __init__(self, live: Live) -> None:
        job = live.job
        with box("ts-card ts-live", "article").mark(f"live-{job.id}"):
            with box("ts-live-head"):
                with box("ts-live-name", "h3"):
                    link(job.title, routes.job(job.id, job.objective), "ts-row-title")
                self._pill = StatusPill(job.status)
            Text("span", f"{job.model_name} · {job.dataset_name}", "ts-sub ts-clip")
            with box("ts-live-curve"):
                self._curve = Sparkline(
                    say("{measure} of {job}", measure=say(live.measure.capitalize()), job=job.title)
                )
                self._value = Text("span", "", "ts-sub")
            self._bar = ProgressBar()

    def show(self, live: Live) -> None:
        self._pill.show(live.job.status)
        self._curve.show(live.curve)
        self._value.text = f"{say(live.measure)} {live.curve[-1]:.3f}" if live.curve else "No data yet"
        self._bar.show(live.job, Progress.of(live.history))


class LatestJobs:
    """The newest that do not run."""

    def __init__(self) -> None:
        with box("ts-section", "section").props("aria-labelledby=latest-jobs") as self._section:
            with box("ts-section-head"):
                heading("Latest jobs", 2).props("id=latest-jobs")
                link("All jobs", routes.jobs())
            self._list = box("ts-card ts-latest", "ul").mark("latest-jobs")
        self._shown: list[tuple[str, str, str]] = []

    def show(self, jobs: Sequence[Job]) -> None:
        self._section.visible = bool(jobs)
        shown = [(job.id, job.status.value, job.title) for job in jobs]
        if shown == self._shown:
            return
        self._shown = shown
        self._list.clear()
        with self._list:
            for job in jobs:
                _line(job)


def _line(job: Job) -> None:
    with ui.element("li").classes("ts-latest-job"):
        with box("ts-latest-name"):
            link(job.title, routes.job(job.id, job.objective), "ts-row-title")
            Text("span", f"{job.model_name} · {job.dataset_name}", "ts-sub ts-clip")
        Text("span", f"{short_date(job.created_at)}, {time_of_day(job.created_at)}", "ts-sub ts-latest-when")
        StatusPill(job.status)
