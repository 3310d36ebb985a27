"""The wide column of the job page: what the run itself has said so far, from its curves to its log."""

from collections.abc import Callable, Iterable

from core.history import History
from core.rollouts import Order
from core.studio import Studio
from storage.events import Finished, Metric, PromptAnswer, Sample, Warn
from storage.graders import Multi
from storage.spec import Objective, RunSpec
from storage.tables import Job
from ui.components.before_after import BeforeAfter
from ui.components.chart_view import ChartView
from ui.components.ending_note import EndingNote
from ui.components.job_charts import JobCharts
from ui.components.job_checkpoints import JobCheckpoints
from ui.components.job_logs import JobLogs
from ui.components.prompt_answers import PromptAnswers
from ui.components.rollout_inspector import RolloutInspector
from ui.components.text import Text, box, icon
from ui.run_follower import News


class RunColumn:
    """`on_use(step)` is asked for an answer from a checkpoint. What checkpoints there are, the page tells."""

    def __init__(
        self, studio: Studio, job: Job, spec: RunSpec, chosen: ChartView, on_use: Callable[[int], None]
    ) -> None:
        with box("ts-column-wide"):
            self._charts = JobCharts(job, chosen, _parts(spec))
            self._ending = EndingNote()
            self._rollouts = RolloutInspector(studio, job.id) if job.objective is Objective.RFT else None
            self._answers = PromptAnswers()
            self._samples = BeforeAfter(())
            self._warnings = _Warnings()
            self.checkpoints = JobCheckpoints(studio, job, spec.retention, on_use)
            self.logs = JobLogs(studio, job)

    @property
    def is_crowded(self) -> bool:
        return self._charts.is_crowded

    def show(self, history: History) -> None:
        """This and nothing else."""
        self._charts.show(history.series)
        if self._rollouts:
            self._rollouts.look()
        self._ending.show(history.finished.facts if history.finished else None)
        self._answers.show(history.answers)
        self._samples.clear()
        self._samples.add(history.samples)
        self._warnings.clear()
        self._warnings.add(history.warnings)
        self.logs.show(history)

    def add(self, news: News) -> None:
        self._charts.extend(news.points)
        if self._rollouts and any(isinstance(event, Metric) for event in news.events):
            self._rollouts.look()
        self._samples.add(event for event in news.events if isinstance(event, Sample))
        self._answers.add(event for event in news.events if isinstance(event, PromptAnswer))
        self._warnings.add(event for event in news.events if isinstance(event, Warn))
        self.logs.add(news.events)
        for event in news.events:
            if isinstance(event, Finished):
                self._ending.show(event.facts)

    def show_rollouts(self, order: Order) -> None:
        if self._rollouts:
            self._rollouts.show(order)


def _parts(spec: RunSpec) -> tuple[str, ...]:
    """The names of a multi grader's members."""
    grader = spec.rft.grader if spec.objective is Objective.RFT else None
    return tuple(grader.graders) if isinstance(grader, Multi) else ()


class _Warnings:
    """Those without a kind of their own, which would be alarms."""

    def __init__(self) -> None:
        self._card = box("ts-card ts-warnings", "section", label="Warnings")
        self.clear()

    def clear(self) -> None:
        self._card.clear()
        self._card.visible = False

    def add(self, warnings: Iterable[Warn]) -> None:
        messages = [warning.message for warning in warnings if not warning.code]
        with self._card:
            for message in messages:
                with box("ts-warning"):
                    icon("alert")
                    Text("p", message)
        self._card.visible = self._card.visible or bool(messages)
