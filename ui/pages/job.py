"""The job page: live progress and curves on the left, what was asked and what runs on the right."""

import contextlib
from collections.abc import Iterable

from nicegui import background_tasks, ui

from core.errors import NotFound
from core.history import History
from core.rollouts import Order
from core.studio import Studio
from core.tracking import asked, news_of
from storage.events import Checkpoint, Finished, Metric, PromptAnswer, Sample, Warn
from storage.graders import Multi
from storage.spec import Objective, RunSpec
from storage.tables import Job
from ui import routes
from ui.components.alarm_banner import AlarmBanner
from ui.components.before_after import BeforeAfter
from ui.components.chart_view import ChartView
from ui.components.empty_state import empty_state
from ui.components.ending_note import EndingNote
from ui.components.failure_card import FailureCard
from ui.components.job_charts import JobCharts
from ui.components.job_checkpoints import JobCheckpoints
from ui.components.job_cost import JobCost
from ui.components.job_deployments import JobDeployments
from ui.components.job_details import JobDetails
from ui.components.job_efficiency import JobEfficiency
from ui.components.job_head import JobHead
from ui.components.job_logs import JobLogs
from ui.components.job_progress import Progress
from ui.components.job_trackers import JobTrackers
from ui.components.prompt_answers import PromptAnswers
from ui.components.rollout_inspector import RolloutInspector
from ui.components.text import Text, box, icon, link
from ui.layout import frame
from ui.run_follower import News, RunFollower
from ui.signals import Signals
from ui.threads import in_thread

HOME = ("Fine-Tuning Jobs", routes.jobs())


def register(studio: Studio, signals: Signals) -> None:
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
            view = JobView(studio, job, spec, chosen)
            signals.feed.subscribe(view.follower.on_feed)
            signals.jobs.subscribe(view.on_job)
            signals.deployments.subscribe(view.on_deployments)
            await view.refresh()


class JobView:
    """The page while it is open."""

    def __init__(self, studio: Studio, job: Job, spec: RunSpec, chosen: ChartView) -> None:
        self._studio = studio
        self._job = job
        self._progress = Progress()
        self._waits = ""
        output = str(studio.home.runs / job.id / "output")
        self._task = f"job page {ui.context.client.id}"
        self._head = JobHead(studio, job, output)
        self._failure = FailureCard(studio, spec, lambda: self._logs.open_log())
        self._alarms = AlarmBanner(job, self._see)
        with box("ts-columns"):
            with box("ts-column-wide"):
                self._charts = JobCharts(job, chosen, _parts(spec))
                self._ending = EndingNote()
                self._rollouts = RolloutInspector(studio, job.id) if job.objective is Objective.RFT else None
                self._answers = PromptAnswers()
                self._samples = BeforeAfter(())
                self._warnings = _Warnings()
                self._checkpoints = JobCheckpoints(studio, job, spec.retention, self._head.deploy.open_for)
                self._logs = JobLogs(studio, job)
            with box("ts-column-narrow"):
                self._details = JobDetails(job, spec, output)
                self._deployments = JobDeployments()
                self._efficiency = JobEfficiency(spec)
                self._cost = JobCost()
                self._trackers = JobTrackers()
        self._asked_trackers = asked(spec.asked)
        self.follower = RunFollower(
            studio,
            job.id,
            on_history=self._show_history,
            on_news=self._add_news,
            is_crowded=lambda: self._charts.is_crowded,
        )

    async def refresh(self) -> None:
        """Row and history as they are now."""
        await self.follower.read()
        await self._read_job()
        await self._read_deployments()

    def on_job(self, job_id: str) -> None:
        if job_id == self._job.id:
            background_tasks.create_lazy(self._read_job(), name=self._task)

    def _add_news(self, came: News) -> None:
        news = came.events
        metrics = [event for event in news if isinstance(event, Metric)]
        self._charts.extend(came.points)
        if metrics and self._rollouts:
            self._rollouts.look()
        self._efficiency.extend(metrics)
        self._samples.add(event for event in news if isinstance(event, Sample))
        self._answers.add(event for event in news if isinstance(event, PromptAnswer))
        self._warn(event for event in news if isinstance(event, Warn))
        self._logs.add(news)
        for event in news:
            self._progress.apply(event)
            if isinstance(event, Finished):
                self._ending.show(event.facts)
        self._progress.stretch = came.stretch
        if any(isinstance(event, Checkpoint) for event in news):
            background_tasks.create_lazy(self._read_checkpoints(), name=f"{self._task} checkpoints")
        self._show_head()

    def _show_history(self, history: History) -> None:
        self._progress = Progress.of(history)
        self._charts.show(history.series)
        if self._rollouts:
            self._rollouts.look()
        self._ending.show(history.finished.facts if history.finished else None)
        self._answers.show(history.answers)
        self._efficiency.show(history)
        self._samples.clear()
        self._samples.add(history.samples)
        self._warnings.clear()
        self._alarms.clear()
        self._warn(history.warnings)
        self._logs.show(history)
        self._show_head()

    def _warn(self, warnings: Iterable[Warn]) -> None:
        """What has a kind of its own is an alarm."""
        found = tuple(warnings)
        self._alarms.add(found)
        self._warnings.add([warning.message for warning in found if not warning.code])

    def _see(self, order: Order) -> None:
        if self._rollouts:
            self._rollouts.show(order)

    async def _read_job(self) -> None:
        try:
            self._job = await in_thread(self._studio.runs.get, self._job.id)
        except NotFound:  # deleted while the page was open
            self._head.say_deleted()
            return
        self._waits = await in_thread(self._studio.queue.waits_because, self._job)
        self._details.show(self._job, await in_thread(self._studio.queue.devices_of, self._job))
        self._efficiency.kept(await in_thread(self._studio.runs.kept_bytes, self._job.id))
        self._cost.show(*await in_thread(self._studio.predictions.told, self._job.id))
        self._failure.show(self._job)
        self._logs.show_job(self._job)
        folder = self._studio.home.runs / self._job.id
        self._trackers.show(await in_thread(news_of, folder, self._asked_trackers))
        self._show_head()
        await self._read_checkpoints()

    def on_deployments(self) -> None:
        background_tasks.create_lazy(self._read_deployments(), name=f"{self._task} deployments")

    async def _read_deployments(self) -> None:
        found = await in_thread(self._studio.deployments.of_target, self._job.id)
        self._deployments.show(found)

    async def _read_checkpoints(self) -> None:
        with contextlib.suppress(NotFound):  # deleted while the page was open
            saved = await in_thread(self._studio.checkpoints.of, self._job.id)
            self._checkpoints.show(saved)
            self._head.deploy.show(self._job, saved)

    def _show_head(self) -> None:
        self._head.show(self._job, self._progress, self._waits)


def _parts(spec: RunSpec) -> tuple[str, ...]:
    grader = spec.rft.grader if spec.objective is Objective.RFT else None
    return tuple(grader.graders) if isinstance(grader, Multi) else ()


class _Warnings:
    def __init__(self) -> None:
        self._card = box("ts-card ts-warnings", "section").props("aria-label=Warnings")
        self.clear()

    def clear(self) -> None:
        self._card.clear()
        self._card.visible = False

    def add(self, messages: list[str]) -> None:
        with self._card:
            for message in messages:
                with box("ts-warning"):
                    icon("alert")
                    Text("p", message)
        self._card.visible = self._card.visible or bool(messages)


async def _not_found(studio: Studio, sentence: str) -> None:
    ui.context.client.status_code = 404
    async with frame(studio, "No such job", (HOME, ("No such job", None))):
        with empty_state("There is no such job", sentence, symbol="search", level=1):
            link("Back to the jobs list", routes.jobs(), "ts-button ts-primary ts-button-link")
