"""Above the curves: over what they are drawn, how smooth and on which scale; and what can be done with them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from core.series import Axis
from core.smoothing import MOST
from ui.components.button import Button
from ui.components.chart_view import ChartView
from ui.components.range_field import RangeField
from ui.components.text import Text, box

AXES = {Axis.STEP: "Step", Axis.EPOCH: "Epoch", Axis.TOKENS: "Tokens", Axis.TIME: "Time"}


class ChartToolbar:
    """Calls `on_view` with the view that was chosen."""

    def __init__(self, view: ChartView, on_view: Callable[[ChartView], Any]) -> None:
        self.view = view
        self._on_view = on_view
        with box("ts-chart-tools", label="View of the curves").props("role=toolbar"):
            with box("ts-segments", label="X axis").props("role=group"):
                self._axes = {axis: self._axis(axis, words) for axis, words in AXES.items()}
            self._smoothing()
            self._log = Text("button", "Log scale", "ts-toggle").props("type=button").mark("log-scale")
            self._log.on("click", lambda: self._choose(log=not self.view.log), [])
        self._show()

    def choose_tab(self, tab: str) -> None:
        self._choose(tab=tab)

    def _axis(self, axis: Axis, words: str) -> Text:
        button = Text("button", words, "ts-segment").props("type=button").mark(f"axis-{axis.value}")
        button.on("click", partial(self._choose, axis=axis), [])
        return button

    def _smoothing(self) -> None:
        with box("ts-smoothing"):
            Text("span", "Smoothing").props("aria-hidden=true")
            RangeField("Smoothing", self.view.smoothing, MOST, 0.01, self._smooth).mark("smoothing")
            self._weight = Text("span", "", "ts-smoothing-weight")

    def _smooth(self, weight: float) -> None:
        self._choose(smoothing=min(max(weight, 0.0), MOST))

    def _choose(self, **changes: Any) -> None:
        self.view = replace(self.view, **changes)
        self._show()
        self._on_view(self.view)

    def _show(self) -> None:
        for axis, button in self._axes.items():
            button.props["aria-pressed"] = "true" if axis is self.view.axis else "false"
        self._log.props["aria-pressed"] = "true" if self.view.log else "false"
        self._weight.text = f"{self.view.smoothing:.2f}" if self.view.smoothing else "Off"


def ways_out(*, on_reset: Callable[[], Any], on_png: Callable[[], Any], on_csv: Callable[[], Any]) -> None:
    """Out of a zoom, and out of the page as a picture or a table."""
    with box("ts-ways-out"):
        Button("Reset zoom", on_reset, kind="ghost", icon="retry").mark("reset-zoom")
        Button("PNG", on_png, kind="ghost", icon="download", label="Save as PNG").mark("save-png")
        Button("CSV", on_csv, kind="ghost", icon="download", label="Save as CSV").mark("save-csv")
