"""The curves of a job: tabs, the toolbar, and the charts of the chosen tab. The view stands in the address."""

from collections.abc import Mapping, Sequence

from nicegui import ui

from core.series import Point
from storage.tables import Job
from ui import routes
from ui.components.chart_groups import ALL, curves_of, tabs_of
from ui.components.chart_toolbar import ChartToolbar, ways_out
from ui.components.chart_view import ChartView
from ui.components.metric_chart import MetricChart, send
from ui.components.text import Text, box, heading

#: Beyond this a page left open for days would draw slowly; the caller shows the thinned history again.
CROWDED = 6000


class JobCharts:
    """Holds all points; the charts of the tabs that are not looked at do not exist. `parts` are a multi grader's."""

    def __init__(self, job: Job, view: ChartView, parts: Sequence[str] = ()) -> None:
        self._job = job
        self._tabs = tabs_of(job.objective, parts)
        self._points: dict[str, list[Point]] = {}
        self._charts: list[MetricChart] = []
        with box("ts-card", "section", label="Metrics"):
            with box("ts-card-line"):
                heading("Training metrics", 2)
                table = routes.job_file(job.id, job.objective, "metrics.csv")
                ways_out(on_reset=self._reset_zoom, on_png=self._save, on_csv=lambda: ui.navigate.to(table))
            with box("ts-tabs ts-metric-tabs", label="Which metrics").props("role=group"):
                self._buttons = {name: self._tab(name) for name in self._tabs}
            self._toolbar = ChartToolbar(view, self._look)
            self._panel = box("ts-charts")
        self._draw()

    def show(self, series: Mapping[str, Sequence[Point]]) -> None:
        """Replace everything."""
        self._points = {name: list(points) for name, points in series.items()}
        for chart in self._charts:
            chart.show(self._points)

    def extend(self, points: Mapping[str, Sequence[Point]]) -> None:
        for name, found in points.items():
            self._points.setdefault(name, []).extend(found)
        send(chart.extend(points, self._points) for chart in self._charts)

    @property
    def is_crowded(self) -> bool:
        return any(len(points) > CROWDED for points in self._points.values())

    @property
    def is_empty(self) -> bool:
        return not any(self._points.values())

    @property
    def _open_tab(self) -> str:
        tab = self._toolbar.view.tab
        return tab if tab in self._tabs else next(iter(self._tabs))

    def _tab(self, name: str) -> Text:
        button = Text("button", name, "ts-tab ts-tab-button").props("type=button").mark(f"tab-{name}")
        button.on("click", lambda: self._toolbar.choose_tab("" if name == next(iter(self._tabs)) else name), [])
        return button

    def _look(self, view: ChartView) -> None:
        ui.navigate.history.replace(routes.job(self._job.id, self._job.objective, **view.query()))
        if self._shown != self._open_tab:
            self._draw()
            return
        for chart in self._charts:
            chart.show(self._points, view)

    def _draw(self) -> None:
        self._shown = self._open_tab
        for name, button in self._buttons.items():
            button.props["aria-current"] = "true" if name == self._shown else "false"
        charts = self._tabs[self._shown]
        self._panel.classes(replace="ts-charts ts-charts-all" if self._shown == ALL else "ts-charts")
        self._panel.clear()
        with self._panel:
            self._charts = [self._chart(title, at) for at, title in enumerate(charts)]

    def _chart(self, title: str, at: int) -> MetricChart:
        names = self._tabs[self._shown][title]
        with box("ts-stretch"):
            Text("h3", title, "ts-chart-title")
            tall = at == 0 and self._shown != ALL
            return MetricChart(title, curves_of(names), self._points, self._toolbar.view, key=self._job.id, tall=tall)

    def _reset_zoom(self) -> None:
        for chart in self._charts:
            chart.reset_zoom()

    def _save(self) -> None:
        for title, chart in zip(self._tabs[self._shown], self._charts, strict=True):
            chart.save_png(f"{self._job.id}-{_plain(title)}")


def _plain(title: str) -> str:
    """Fit for a file name."""
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in title).lower()
