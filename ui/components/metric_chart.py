"""A live chart: history once, then only the new points. Colours of text and grid follow the theme by CSS."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from core.series import Point
from storage.events import Metric
from ui import design
from ui.components.text import Text, box

#: Beyond this a page left open for days would draw slowly; the caller shows the thinned history again.
CROWDED = 6000

#: Runs once per drawn element.
_DRAWN = """() => {
    const el = getHtmlElement(%d);
    if (el.tsDrawn) return;
    el.tsDrawn = true;
    emit(el.data.map((trace) => trace.x.length));
}"""

#: An axis of at least ten steps has no tick at half a step.
WHOLE_STEPS = [0, 10]

Series = Mapping[str, Sequence[Point]]


class MetricChart:
    """`names`: metric → what the legend calls it.

    After the page's HTML only messages go to the browser, never `update()`: NiceGUI sends updates before messages of
    the same tick, so an update that already holds a point would be followed by the message that adds it again.
    """

    def __init__(self, title: str, names: Mapping[str, str], *, key: str, tall: bool = False) -> None:
        self._title = title
        self._names = dict(names)
        self._is_drawn = self._must_redraw = False
        self._figure = _figure(names, key)
        with box("ts-chart").classes("ts-chart-tall" if tall else "") as self._box:
            self._box.props("role=img")
            self._plot = ui.plotly(self._figure).classes("ts-plot").mark(f"chart-{next(iter(names))}")
            self._nothing = Text("div", "No data", "ts-no-data")
        self._plot.on("plotly_afterplot", self._drawn, js_handler=_DRAWN % self._plot.id)
        self._describe()

    def show(self, series: Series) -> None:
        """Replace everything."""
        self._must_redraw = any(trace["x"] for trace in self._traces)
        for trace, name in zip(self._traces, self._names, strict=True):
            points = series.get(name, ())
            trace["x"] = [point.step for point in points]
            trace["y"] = [point.value for point in points]
        if self._is_drawn:
            self._redraw()
        self._describe()

    def extend(self, metrics: Sequence[Metric]) -> None:
        """Add the new points to the server's copy, and send only them."""
        xs, ys, touched = [], [], []
        for at, name in enumerate(self._names):
            found = [(metric.step, value) for metric in metrics if (value := metric.values.get(name)) is not None]
            if found:
                touched.append(at)
                xs.append([step for step, _ in found])
                ys.append([value for _, value in found])
        for at, x, y in zip(touched, xs, ys, strict=True):
            self._traces[at]["x"] += x
            self._traces[at]["y"] += y
        if touched and self._is_drawn:
            self._plot.run_plot_method("extendTraces", {"x": xs, "y": ys}, touched)
        if touched:
            self._describe()

    @property
    def is_crowded(self) -> bool:
        return any(len(trace["x"]) > CROWDED for trace in self._traces)

    @property
    def _traces(self) -> list[dict[str, Any]]:
        traces: list[dict[str, Any]] = self._figure["data"]
        return traces

    def _drawn(self, event: GenericEventArguments) -> None:
        """The browser has drawn for the first time, and says how many points each trace has there."""
        self._is_drawn = True
        if self._must_redraw or event.args != [len(trace["x"]) for trace in self._traces]:
            self._redraw()

    def _redraw(self) -> None:
        self._must_redraw = False
        self._plot.run_plot_method("react", self._traces, self._figure["layout"], self._figure["config"])

    def _describe(self) -> None:
        parts = [
            f"{label} {trace['y'][-1]:.4g} at step {trace['x'][-1]}, {len(trace['x'])} points"
            for trace, label in zip(self._traces, self._names.values(), strict=True)
            if trace["y"]
        ]
        self._nothing.visible = not parts
        self._box.props["aria-label"] = f"{self._title}: {'; '.join(parts) or 'no data yet'}"


def _figure(names: Mapping[str, str], key: str) -> dict[str, Any]:
    axis = {"zeroline": False, "automargin": True, "gridcolor": design.CHART_NEUTRAL, "tickfont": {"size": 11}}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers" if name.startswith("eval_") else "lines",
                "name": label,
                "x": [],
                "y": [],
                "line": {"color": design.chart_colour(name, at), "width": 2},
                "marker": {"size": 6},
                "cliponaxis": False,  # the first evaluation is at step 0
                "hovertemplate": "%{y:.4g}<extra>" + label + "</extra>",
            }
            for at, (name, label) in enumerate(names.items())
        ],
        "layout": {
            "uirevision": key,  # zoom survives an update
            "margin": {"l": 48, "r": 16, "t": 36 if len(names) > 1 else 12, "b": 40},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "Inter, sans-serif", "size": 12, "color": design.CHART_NEUTRAL},
            "hovermode": "x unified",
            "showlegend": len(names) > 1,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {**axis, "title": {"text": "Step", "standoff": 6}, "autorangeoptions": {"include": WHOLE_STEPS}},
            "yaxis": {**axis, "exponentformat": "e"},
        },
        "config": {"responsive": True, "displaylogo": False, "displayModeBar": False},
    }
