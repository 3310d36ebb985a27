"""The job page: live progress and curves on the left, what was asked and what runs on the right."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import background_tasks, ui

from core.dossier import Dossier
from core.errors import NotFound
from core.history import History
from core.studio import Studio
from core.tracking import asked
from storage.events import Checkpoint, Metric, Warn
from storage.spec import RunSpec
from storage.tables import Job
from ui import routes
from ui.components.alarm_banner import AlarmBanner
from ui.components.chart_view import ChartView
from ui.components.empty_state import empty_state
from ui.components.failure_card import FailureCard
from ui.components.job_cost import JobCost
from ui.components.job_deployments import JobDeployments
from ui.components.job_details import JobDetails
from ui.components.job_efficiency import JobEfficiency
from ui.components.job_head import JobHead
from ui.components.job_progress import Progress
from ui.components.job_trackers import JobTrackers
from ui.components.past_progress import PastProgress
from ui.components.run_column import RunColumn
from ui.components.text import box, link
from ui.layout import frame
from ui.run_follower import News, RunFollower
from ui.signals import Signals
from ui.threads import AskedTogether, in_thread

HOME = ("Fine-Tuning Jobs", routes.jobs())


def register(studio: Studio, signals: Signals) -> None:
    dossiers = AskedTogether(studio.dossiers.of)

    @ui.page(f"{routes.JOBS}/{{kind}}/{{job_id}}")
    async def job_page(
        kind: str, job_id: str, tab: str = "", axis: str = "", smoothing: str = "", log: str = ""
    ) -> None:
        try:
            job = await in_thread(studio.runs.get, job_id)
        except NotFound as error:
            await _not_found(studio, str(error))
            return
        spec = await in_thread(studio.runs.run_spec, job_id)
        chosen = ChartView.parse({"tab": tab, "axis": axis, "smoothing": smoothing, "log": log})
        async with frame(studio, job.title, (HOME, (job.title, None))):
            look = partial(dossiers.get, job.id, asked(spec.asked))
            past = PastProgress(studio.feed, [job.id])
            view = JobView(studio, job, spec, chosen, look)
            signals.feed.subscribe(view.follower.on_feed)
            signals.jobs.subscribe(view.on_job)
            signals.deployments.subscribe(view.on_deployments)
            background_tasks.create(view.show_descent(), name=f"descent of {job.id}")
            await past.show_until(view.refresh)


class JobView:
    """The page while it is open."""

    def __init__(
        self,
        studio: Studio,
        job: Job,
        spec: RunSpec,
        chosen: ChartView,
        look: Callable[[], Awaitable[Dossier]],
    ) -> None:
        self._studio = studio
        self._look = look
        self._job = job
        self._progress = Progress()
        self._waits = ""
        output = str(studio.home.runs / job.id / "output")
        self._task = f"job page {ui.context.client.id}"
        self._head = JobHead(studio, job, output)
        self._failure = FailureCard(studio, spec, lambda: self._run.logs.open_log())
        self._alarms = AlarmBanner(job, lambda order: self._run.show_rollouts(order))
        with box("ts-columns"):
            self._run = RunColumn(studio, job, spec, chosen, self._head.deploy.open_for)
            with box("ts-column-narrow"):
                self._details = JobDetails(job, spec, output)
                self._deployments = JobDeployments()
                self._efficiency = JobEfficiency(spec)
                self._cost = JobCost()
                self._trackers = JobTrackers()
        self.follower = RunFollower(
            studio,
            job.id,
            on_history=self._show_history,
            on_news=self._add_news,
            is_crowded=lambda: self._run.is_crowded,
        )

    async def refresh(self) -> None:
        """Row and history as they are now."""
        await self.follower.read()
        await self._read_job()
        await self._read_deployments()

    async def show_descent(self) -> None:
        """Every job's file is read once: of very many jobs that takes seconds, and nobody waits for it."""
        self._details.show_descent(await in_thread(self._studio.descent.of, self._job.id))

    def on_job(self, job_id: str) -> None:
        if job_id == self._job.id:
            background_tasks.create_lazy(self._read_job(), name=self._task)

    def _show_history(self, history: History) -> None:
        self._progress = Progress.of(history)
        self._run.show(history)
        self._efficiency.show(history)
        self._alarms.clear()
        self._alarms.add(history.warnings)
        self._show_head()

    def _add_news(self, news: News) -> None:
        self._run.add(news)
        self._efficiency.extend([event for event in news.events if isinstance(event, Metric)])
        self._alarms.add(event for event in news.events if isinstance(event, Warn))
        for event in news.events:
            self._progress.apply(event)
        self._progress.stretch = news.stretch
        if any(isinstance(event, Checkpoint) for event in news.events):
            background_tasks.create_lazy(self._read_job(), name=self._task)
        self._show_head()

    async def _read_job(self) -> None:
        try:
            found = await self._look()
        except NotFound:  # deleted while the page was open
            self._head.say_deleted()
            return
        self._job, self._waits = found.job, found.waits_because
        self._details.show(found.job, found.devices)
        self._efficiency.kept(found.kept_bytes)
        self._cost.show(found.foretold, found.came)
        self._failure.show(found.job)
        self._run.logs.show_job(found.job)
        self._run.checkpoints.show(found.checkpoints)
        self._trackers.show(found.trackers)
        self._head.deploy.show(found.job, found.checkpoints)
        self._show_head()

    def on_deployments(self) -> None:
        background_tasks.create_lazy(self._read_deployments(), name=f"{self._task} deployments")

    async def _read_deployments(self) -> None:
        found = await in_thread(self._studio.deployments.of_target, self._job.id)
        self._deployments.show(found)

    def _show_head(self) -> None:
        self._head.show(self._job, self._progress, self._waits)


async def _not_found(studio: Studio, sentence: str) -> None:
    ui.context.client.status_code = 404
    async with frame(studio, "No such job", (HOME, ("No such job", None))):
        with empty_state("There is no such job", sentence, symbol="search", level=1):
            link("Back to the jobs list", routes.jobs(), "ts-button ts-primary ts-button-link")
