"""One metric of several runs in one chart, live where one of them runs."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from nicegui import ui

from core.series import Point
from storage.tables import Job
from ui import design
from ui.components.chart_figure import Curve
from ui.components.chart_groups import DIVISORS, metric_names
from ui.components.chart_toolbar import ChartToolbar, ways_out
from ui.components.chart_view import ChartView
from ui.components.metric_chart import MetricChart, send
from ui.components.text import aria, box, heading

#: What is looked at first, as far as a run has measured it.
FIRST = ("reward", "loss")


class CompareChart:
    """The view's `tab` is the metric. Holds all points of all runs."""

    def __init__(self, jobs: Sequence[Job], view: ChartView, on_view: Callable[[ChartView], None]) -> None:
        self._jobs = jobs
        self._on_view = on_view
        self._points: dict[str, dict[str, list[Point]]] = {job.id: {} for job in jobs}
        self._names = metric_names()
        with box("ts-card", "section", label="Curves"):
            with box("ts-card-line"):
                heading("Curves", 2)
                ways_out(
                    on_reset=lambda: self._chart.reset_zoom(),
                    on_png=lambda: self._chart.save_png("compared-jobs"),
                    on_csv=self._save_table,
                )
            with box("ts-card-line ts-metric-tabs"):
                self._select = ui.select({}, on_change=lambda event: self._choose(event.value))
                self._select.props("outlined dense options-dense popup-content-class=ts-menu").props(aria("Metric"))
                self._select.classes("ts-input ts-metric-select").mark("metric")
                self._toolbar = ChartToolbar(view, self._look)
            self._panel = box("ts-charts")
        self._draw()

    def show(self, job_id: str, series: Mapping[str, Sequence[Point]]) -> None:
        """Replace everything of one run."""
        self._points[job_id] = {name: list(points) for name, points in series.items()}
        if self._offer():
            self._draw()
        else:
            self._chart.show(self._of_metric())

    def extend(self, job_id: str, points: Mapping[str, Sequence[Point]]) -> None:
        for name, found in points.items():
            self._points[job_id].setdefault(name, []).extend(found)
        if self._offer():
            self._draw()
        elif news := points.get(self._metric):
            send([self._chart.extend({job_id: news}, self._of_metric())])

    def is_crowded(self, job_id: str, most: int) -> bool:
        return any(len(points) > most for points in self._points[job_id].values())

    @property
    def _metric(self) -> str:
        known = self._known()
        wanted = self._toolbar.view.tab
        return wanted if wanted in known else next((name for name in (*FIRST, *known) if name in known), FIRST[-1])

    def _known(self) -> dict[str, str]:
        """What at least one run has measured, in the order of the job page."""
        measured = {name for series in self._points.values() for name in series}
        ours = {name: title for name, title in self._names.items() if name in measured}
        parts = sorted(name for name in measured if name.startswith(("reward/", "eval_reward/")))
        return ours | {name: name for name in parts}

    def _offer(self) -> bool:
        """Whether the choice of metrics has changed, and with it perhaps the metric itself."""
        known = self._known()
        if known == self._select.options:
            return False
        self._select.set_options(known, value=self._metric)
        return True

    def _of_metric(self) -> dict[str, list[Point]]:
        return {job_id: series.get(self._metric, []) for job_id, series in self._points.items()}

    def _choose(self, metric: str | None) -> None:
        if metric and metric != self._metric:
            self._toolbar.choose_tab(metric)

    def _look(self, view: ChartView) -> None:
        self._on_view(view)
        if self._metric != self._shown:
            self._draw()
        else:
            self._chart.show(self._of_metric(), view)

    def _draw(self) -> None:
        self._shown = self._metric
        sparse, divisor = self._shown.startswith("eval_"), DIVISORS.get(self._shown, 1)
        curves = [
            Curve(key=job.id, label=job.title, colour=colour, is_sparse=sparse, divisor=divisor)
            for job, colour in zip(self._jobs, design.CHART_OTHERS, strict=False)
        ]
        self._panel.clear()
        with self._panel:
            title, view = self._names.get(self._shown, self._shown), self._toolbar.view
            self._chart = MetricChart(title, curves, self._of_metric(), view, key=self._shown, tall=True)

    def _save_table(self) -> None:
        rows = (
            (job_id, self._shown, point.step, point.epoch, point.tokens, point.seconds, point.value)
            for job_id, points in self._of_metric().items()
            for point in points
        )
        ui.download.content(_table(rows), "compared-jobs.csv", "text/csv")


def _table(rows: Iterable[Sequence[object]]) -> str:
    """The points as drawn: long curves are thinned out; a job's own page has all of them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("job", "metric", "step", "epoch", "tokens", "seconds", "value"))
    writer.writerows(rows)
    return out.getvalue()
