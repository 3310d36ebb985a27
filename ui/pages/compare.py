"""The Compare page: several jobs in one chart and in tables. Which, and how they are looked at, is its address."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from nicegui import background_tasks, ui

from core.comparing import MOST
from core.errors import NotFound
from core.feed import FeedUpdate
from core.history import History
from core.studio import Studio
from storage.events import Checkpoint, Finished, PromptAnswer, Sample
from storage.jobs import Query
from storage.spec import Objective, RunSpec
from storage.tables import Job
from ui import routes
from ui.components.chart_view import ChartView
from ui.components.compare_answers import CompareAnswers
from ui.components.compare_chart import CompareChart
from ui.components.compare_picker import ComparePicker
from ui.components.compare_tables import CompareFigures, compare_settings
from ui.components.empty_state import empty_state
from ui.components.job_charts import CROWDED
from ui.components.past_progress import PastProgress
from ui.components.text import Text, box, icon, link
from ui.layout import frame, page_head
from ui.run_follower import News, RunFollower
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

HOME = ("Fine-Tuning Jobs", routes.jobs())
REFRESH_S = 1.0
#: Of each kind, to choose from; older ones are added in the jobs list.
OFFERED = 100
#: What changes more than a curve.
CHANGES_TABLES = (Checkpoint, Finished, PromptAnswer, Sample)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for, as far as it is there; `missing` and `left_out` are ids."""

    jobs: tuple[Job, ...]
    runs: tuple[RunSpec, ...]
    others: tuple[Job, ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]


def register(studio: Studio, signals: Signals) -> None:
    @ui.page(routes.COMPARE)
    async def compare_page(jobs: str = "", tab: str = "", axis: str = "", smoothing: str = "", log: str = "") -> None:
        chosen = await in_thread(_look, studio, jobs)
        view = ChartView.parse({"tab": tab, "axis": axis, "smoothing": smoothing, "log": log})
        async with frame(studio, "Compare jobs", (HOME, ("Compare", None))):
            page_head("Compare jobs", "Curves, results, settings and answers of several jobs, side by side.")
            _notices(chosen)
            picker = ComparePicker(chosen.jobs, chosen.others, view)
            if not chosen.jobs:
                _teach()
                return
            past = PastProgress(studio.feed, [job.id for job in chosen.jobs])
            page = CompareView(studio, chosen, view, picker)
            signals.feed.subscribe(page.on_feed)
            signals.jobs.subscribe(page.on_job)
            await past.show_until(page.refresh)


class CompareView:
    def __init__(self, studio: Studio, chosen: Chosen, view: ChartView, picker: ComparePicker) -> None:
        self._studio = studio
        self._jobs = chosen.jobs
        self._picker = picker
        self._task = f"compare page {ui.context.client.id}"
        ids = [job.id for job in chosen.jobs]
        self._chart = CompareChart(
            chosen.jobs, view, lambda view: ui.navigate.history.replace(routes.compare(ids, **view.query()))
        )
        self._figures = CompareFigures(chosen.jobs)
        compare_settings(chosen.jobs, chosen.runs)
        self._answers = CompareAnswers(chosen.jobs)
        self._histories: dict[str, History] = {}
        self._outdated: set[str] = set()
        self._followers = [self._follower(job.id) for job in chosen.jobs]

    async def refresh(self) -> None:
        for follower in self._followers:
            await follower.read()
        self._show_tables()

    def on_feed(self, update: FeedUpdate) -> None:
        for follower in self._followers:
            follower.on_feed(update)

    def on_job(self, job_id: str) -> None:
        if any(job.id == job_id for job in self._jobs):
            background_tasks.create_lazy(self._read_job(job_id), name=f"{self._task} {job_id}")

    def _follower(self, job_id: str) -> RunFollower:
        def on_history(history: History) -> None:
            self._histories[job_id] = history
            self._chart.show(job_id, history.series)
            if len(self._histories) == len(self._jobs):
                background_tasks.create_lazy(self._refresh_tables(), name=self._task)

        def on_news(news: News) -> None:
            self._chart.extend(job_id, news.points)
            self._histories[job_id] = self._histories[job_id].after(news.events)
            if any(isinstance(event, CHANGES_TABLES) for event in news.events):
                self._outdated.add(job_id)
            if news.points or self._outdated:
                background_tasks.create_lazy(self._refresh_tables(), name=self._task)

        return RunFollower(
            self._studio,
            job_id,
            on_history=on_history,
            on_news=on_news,
            is_crowded=partial(self._chart.is_crowded, job_id, CROWDED),
        )

    async def _refresh_tables(self) -> None:
        """At most once a second, however fast the runs are; a run is read again only for more than measurements."""
        outdated, self._outdated = self._outdated, set()
        for job_id in outdated:
            self._histories[job_id] = await in_thread(self._studio.feed.history, job_id)
        self._show_tables()
        await asyncio.sleep(REFRESH_S)

    def _show_tables(self) -> None:
        histories = [self._histories[job.id] for job in self._jobs]
        self._figures.show(histories)
        self._answers.show(histories)

    async def _read_job(self, job_id: str) -> None:
        with suppress(NotFound):  # deleted while the page was open: what it has said stays on screen
            self._picker.show(await in_thread(self._studio.runs.get, job_id))


def _look(studio: Studio, asked: str) -> Chosen:
    """Whatever stands in the address becomes at most MOST jobs."""
    ids = list(dict.fromkeys(part.strip()[:63] for part in asked[:2000].split(",") if part.strip()))
    jobs, runs, missing = [], [], []
    for job_id in ids[:MOST]:
        try:
            job = studio.runs.get(job_id)
            runs.append(studio.runs.run_spec(job.id))
            jobs.append(job)
        except (NotFound, FileNotFoundError):
            missing.append(job_id)
    found = [studio.runs.search(Query(objective=kind, page_size=OFFERED)).rows for kind in Objective]
    newest = sorted((job for rows in found for job in rows), key=lambda job: job.created_at, reverse=True)
    others = tuple(job for job in newest if job.id not in ids)
    return Chosen(tuple(jobs), tuple(runs), others, tuple(missing), tuple(ids[MOST:]))


def _notices(chosen: Chosen) -> None:
    for job_id in chosen.missing:
        _notice(say("There is no job “{job}” here. It may have been deleted.", job=job_id))
    if chosen.left_out:
        _notice(
            say(
                "At most {most} jobs are compared at once. {count} more is left out. | "
                "At most {most} jobs are compared at once. {count} more are left out.",
                most=MOST,
                count=len(chosen.left_out),
            )
        )
    if len(chosen.jobs) == 1:
        _notice("Add another job to compare this one with.")


def _notice(sentence: str) -> None:
    with box("ts-warning").props("role=status"):
        icon("alert")
        Text("p", sentence)


def _teach() -> None:
    with empty_state(
        "Which settings taught it best?",
        "Choose two or more jobs above, or tick them in the jobs list and press Compare. Their curves share one chart, "
        "and only the settings that differ are listed. A good comparison changes one thing: clone a job, change one "
        "setting, and train both on the same dataset.",
        symbol="tune",
    ):
        link("To the jobs list", routes.jobs(), "ts-button ts-primary ts-button-link")
