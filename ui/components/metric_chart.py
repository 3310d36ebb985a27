"""A live chart: history once, then only the new points, in whatever view it is looked at."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nicegui import json, ui
from nicegui.events import GenericEventArguments

from core.series import Axis, Point
from core.smoothing import Smoother
from ui.components.chart_figure import CONFIG, Curve, Trace, Unit, layout_of, traces_of, unit_of, x_of
from ui.components.chart_view import ChartView
from ui.components.quantity import counted
from ui.components.text import Text, box
from ui.texts import say

#: Runs once per drawn element.
_DRAWN = """() => {
    const el = getHtmlElement(%d);
    if (el.tsDrawn) return;
    el.tsDrawn = true;
    window.tsShareHover(el, getElement(%d).Plotly);
    emit(el.data.map((trace) => trace.x.length));
}"""
_SAVE = "tsSavePng(getHtmlElement({id}), getElement({id}).Plotly, {name!r})"

Points = Mapping[str, Sequence[Point]]


def send(extensions: Iterable[str]) -> None:
    """What several charts of a page have new, in one message: with many live pages messages are what costs."""
    if code := ";".join(filter(None, extensions)):
        ui.run_javascript(code)


class MetricChart:
    """Each curve is two traces, the raw one and the smoothed one. `points` are shared with the caller, who adds to
    them and then calls `extend`.

    After the page's HTML only messages go to the browser, never `update()`: NiceGUI sends updates before messages of
    the same tick, so an update that already holds a point would be followed by the message that adds it again.
    """

    def __init__(
        self, title: str, curves: Sequence[Curve], points: Points, view: ChartView, *, key: str, tall: bool = False
    ) -> None:
        self._title, self._curves, self._view, self._key = title, tuple(curves), view, key
        self._is_drawn = self._must_redraw = False
        self._figure: dict[str, Any] = {"data": [], "layout": {}, "config": CONFIG}
        with box("ts-chart").classes("ts-chart-tall" if tall else "") as self._box:
            self._box.props("role=img")
            self._fill(points)
            self._plot = ui.plotly(self._figure).classes("ts-plot").mark(f"chart-{self._curves[0].key}")
            self._nothing = Text("div", "No data", "ts-no-data")
        self._plot.on("plotly_afterplot", self._drawn, js_handler=_DRAWN % (self._plot.id, self._plot.id))
        self._describe()

    def show(self, points: Points, view: ChartView | None = None) -> None:
        """Replace everything."""
        self._view = view or self._view
        self._must_redraw = any(trace["x"] for trace in self._traces)
        self._fill(points)
        if self._is_drawn:
            self._redraw()
        self._describe()

    def extend(self, points: Points, all_points: Points) -> str:
        """Add the new points to the server's copy; the JavaScript that adds them in the browser, for `send`.

        `all_points` hold them too. Empty where there is nothing to send."""
        if not any(points.get(curve.key) for curve in self._curves):
            return ""
        if self._unit != self._unit_for(points):
            self.show(all_points)
            return ""
        xs: list[list[float]] = []
        ys: list[list[float]] = []
        touched: list[int] = []
        for at, curve in enumerate(self._curves):
            if found := points.get(curve.key):
                x, *lines = self._coordinates(curve, found)
                for y, trace in zip(filter(None, lines), (2 * at, 2 * at + 1), strict=False):
                    xs.append(x)
                    ys.append(y)
                    touched.append(trace)
        for at, x, y in zip(touched, xs, ys, strict=True):
            self._traces[at]["x"] += x
            self._traces[at]["y"] += y
        self._describe()
        if not self._is_drawn:
            return ""
        call = json.dumps(["extendTraces", {"x": xs, "y": ys}, touched])
        return f"runMethod({self._plot.id}, 'run_plot_method', {call})"

    def reset_zoom(self) -> None:
        self._plot.run_plot_method("relayout", {"xaxis.autorange": True, "yaxis.autorange": True})

    def save_png(self, name: str) -> None:
        """`name` is of letters, digits and dashes."""
        ui.run_javascript(_SAVE.format(id=self._plot.id, name=name))

    @property
    def _traces(self) -> list[Trace]:
        traces: list[Trace] = self._figure["data"]
        return traces

    def _fill(self, points: Points) -> None:
        """The figure stays the same object: NiceGUI holds it too."""
        self._unit = self._unit_for(points)
        self._smoothers = {curve.key: Smoother(self._view.smoothing) for curve in self._curves}
        self._traces.clear()
        for curve in self._curves:
            raw, smooth = traces_of(curve, self._view)
            raw["x"], raw["y"], smooth["y"] = self._coordinates(curve, points.get(curve.key, ()))
            smooth["x"] = list(raw["x"]) if smooth["y"] else []
            self._traces.extend((raw, smooth))
        self._figure["layout"].clear()
        self._figure["layout"].update(layout_of(self._curves, self._view, self._unit, self._key))

    def _unit_for(self, points: Points) -> Unit:
        newest = [found[-1].on(self._view.axis) for curve in self._curves if (found := points.get(curve.key))]
        return unit_of(self._view.axis, max(newest, default=0.0))

    def _coordinates(self, curve: Curve, points: Sequence[Point]) -> tuple[list[float], list[float], list[float]]:
        """X, the values, and the smoothed values where the curve is smoothed."""
        values = [point.value / curve.divisor for point in points]
        is_smooth = self._view.smoothing and not curve.is_sparse
        smooth = self._smoothers[curve.key].all(values) if is_smooth else []
        return [x_of(point, self._view.axis, self._unit) for point in points], values, smooth

    def _drawn(self, event: GenericEventArguments) -> None:
        """The browser has drawn for the first time, and says how many points each trace has there."""
        self._is_drawn = True
        if self._must_redraw or event.args != [len(trace["x"]) for trace in self._traces]:
            self._redraw()

    def _redraw(self) -> None:
        self._must_redraw = False
        self._plot.run_plot_method("react", self._traces, self._figure["layout"], self._figure["config"])

    def _describe(self) -> None:
        over = say("step") if self._view.axis is Axis.STEP else self._unit.title
        parts = [
            say(
                "{curve} {y:.4g} at {axis} {x:g}, {points}",
                curve=curve.label,
                y=trace["y"][-1],
                axis=over,
                x=trace["x"][-1],
                points=counted(len(trace["x"]), "points"),
            )
            for curve, trace in zip(self._curves, self._traces[::2], strict=True)
            if trace["y"]
        ]
        self._nothing.visible = not parts
        self._box.props["aria-label"] = f"{say(self._title)}: {'; '.join(parts) or say('no data yet')}"
