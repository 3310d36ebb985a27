"""What plotly is told: traces and layout of one chart. Colours of text and grid follow the theme by CSS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.series import Axis, Point
from ui import design
from ui.components.chart_view import ChartView
from ui.texts import say

#: An axis of at least ten steps has no tick at half a step.
WHOLE_STEPS = [0, 10]
#: Above this many seconds (or minutes) the next unit reads better.
UNITS = ((3 * 3600.0, 3600.0, "h"), (180.0, 60.0, "min"), (0.0, 1.0, "s"))
#: The raw curve behind its smoothed one.
FAINT = 0.25
CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}

AXES = {Axis.STEP: "Step", Axis.EPOCH: "Epoch", Axis.TOKENS: "Tokens"}

Trace = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line of a chart; `key` names its points, which are divided by `divisor`. A sparse one, of few points, shows
    each of them and is never smoothed."""

    key: str
    label: str
    colour: str
    is_sparse: bool = False
    is_dashed: bool = False
    divisor: float = 1


@dataclass(frozen=True, slots=True)
class Unit:
    """What a step, a token or a second is divided by on the axis, and the axis's name."""

    divisor: float
    title: str


def unit_of(axis: Axis, largest: float) -> Unit:
    if axis is Axis.TIME:
        divisor, name = next((divisor, name) for above, divisor, name in UNITS if largest >= above)
        return Unit(divisor, say("Wall time, {name}", name=name))
    return Unit(1, say(AXES[axis]))


def x_of(point: Point, axis: Axis, unit: Unit) -> float:
    """An integer where it is a count: the step that a reader sees has no decimals."""
    if axis is Axis.STEP:
        return point.step
    return round(point.on(axis) / unit.divisor, 6)


def traces_of(curve: Curve, view: ChartView) -> tuple[Trace, Trace]:
    """The raw one and the smoothed one, both empty."""
    is_smooth = bool(view.smoothing) and not curve.is_sparse
    base = {"type": "scatter", "x": [], "y": [], "cliponaxis": False, "legendgroup": curve.key}
    line = {"color": curve.colour, "width": 2} | ({"dash": "dot"} if curve.is_dashed else {})
    raw = base | {
        "mode": "lines+markers" if curve.is_sparse else "lines",
        "name": _plain(curve.label),
        "line": line | ({"width": 1} if is_smooth else {}),
        "opacity": FAINT if is_smooth else 1,
        "showlegend": not is_smooth,
        "marker": {"size": 6},
        "hoverinfo": "skip" if is_smooth else "all",
        "hovertemplate": None if is_smooth else _hover(curve.label),
    }
    smooth = base | {
        "mode": "lines",
        "name": _plain(curve.label),
        "line": line,
        "visible": is_smooth,
        "showlegend": is_smooth,
        "hovertemplate": _hover(say("{label}, smoothed", label=curve.label)),
    }
    return raw, smooth


def layout_of(curves: Sequence[Curve], view: ChartView, unit: Unit, key: str) -> dict[str, Any]:
    axis = {"zeroline": False, "automargin": True, "gridcolor": design.CHART_NEUTRAL, "tickfont": {"size": 11}}
    over = axis | {"title": {"text": unit.title, "standoff": 6}}
    if view.axis is Axis.STEP:
        over["autorangeoptions"] = {"include": WHOLE_STEPS}
    # A zoom survives new points, and not a new scale.
    scale = f"{key} {unit.title} {'log' if view.log else 'linear'}"
    return {
        "uirevision": scale,
        "margin": {"l": 48, "r": 16, "t": 36 if len(curves) > 1 else 12, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Inter, sans-serif", "size": 12, "color": design.CHART_NEUTRAL},
        "hovermode": "x unified",
        "showlegend": len(curves) > 1,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": over,
        "yaxis": axis | {"exponentformat": "e", "type": "log" if view.log else "linear"},
    }


def _hover(label: str) -> str:
    return "%{y:.4g}<extra>" + _plain(label).replace("%{", "% {") + "</extra>"


def _plain(label: str) -> str:
    """Somebody may have chosen it, and plotly reads a few tags."""
    return label.replace("<", "‹").replace(">", "›")
