"""A curve the size of a word: a polyline in an SVG that scales with its box."""

from collections.abc import Sequence

from nicegui import ui

from ui.texts import say

WIDTH, HEIGHT, MARGIN = 120.0, 32.0, 2.0


class Sparkline:
    def __init__(self, label: str) -> None:
        """`label` is what a screen reader says: the curve itself tells it nothing."""
        self._svg = ui.element("svg").classes("ts-spark").props(f"viewBox='0 0 {WIDTH:g} {HEIGHT:g}' role=img")
        self._svg.props["preserveAspectRatio"] = "none"
        self._svg.props["aria-label"] = say(label)
        with self._svg:
            self._line = ui.element("polyline").classes("ts-spark-line")
            self._line.props["points"] = ""
            self._line.props["vector-effect"] = "non-scaling-stroke"

    def show(self, values: Sequence[float]) -> None:
        if self._line.props["points"] != (drawn := points(values)):
            self._line.props["points"] = drawn


def points(values: Sequence[float]) -> str:
    """From the first value at the left to the last at the right; the highest on top. Nothing where there is no line."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    height, step = HEIGHT - 2 * MARGIN, WIDTH / (len(values) - 1)
    share = [(value - low) / (high - low) if high > low else 0.5 for value in values]
    return " ".join(f"{at * step:.1f},{MARGIN + (1 - part) * height:.1f}" for at, part in enumerate(share))
