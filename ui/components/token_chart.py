"""How long the rows are, in tokens: bars, and a line where the context ends."""

from itertools import pairwise

from nicegui import ui

from core.datasets.tokens import TokenReport
from ui import design
from ui.components.text import box
from ui.texts import say


def token_chart(report: TokenReport) -> None:
    edges, counts = report.histogram.edges, report.histogram.counts
    axis = {"zeroline": False, "automargin": True, "gridcolor": design.CHART_NEUTRAL, "tickfont": {"size": 11}}
    spans = list(pairwise(edges))
    bars = {
        "type": "bar",
        "x": [(before + after) / 2 for before, after in spans],
        "y": list(counts),
        "width": [after - before for before, after in spans],
        "customdata": [[round(before), round(after)] for before, after in spans],
        "marker": {"color": [_colour(before, report.context) for before, _ in spans]},
        "hovertemplate": "%{y:,} rows with %{customdata[0]:,} to %{customdata[1]:,} tokens<extra></extra>",
    }
    layout = {
        "margin": {"l": 48, "r": 16, "t": 12, "b": 40},
        "bargap": 0.04,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Inter, sans-serif", "size": 12, "color": design.CHART_NEUTRAL},
        "xaxis": {**axis, "title": {"text": "Tokens a row", "standoff": 6}, "rangemode": "tozero"},
        "yaxis": {**axis, "title": {"text": "Rows"}},
        "shapes": [_context_line(report.context)] if edges and report.context < edges[-1] else [],
    }
    config = {"responsive": True, "displaylogo": False, "displayModeBar": False}
    with box("ts-chart ts-chart-tall").props("role=img") as chart:
        chart.props["aria-label"] = say(
            "Tokens a row: half of the rows have at most {p50:,}, 95 % at most {p95:,}, 99 % at most {p99:,}, "
            "the longest {max:,}.",
            p50=report.p50,
            p95=report.p95,
            p99=report.p99,
            max=report.max,
        )
        ui.plotly({"data": [bars], "layout": layout, "config": config}).classes("ts-plot").mark("token-chart")


def _colour(begin: float, context: int) -> str:
    """What is cut off looks like a warning."""
    return design.CHART_COLOURS["eval_loss" if begin >= context else "loss"]


def _context_line(context: int) -> dict[str, object]:
    line = {"color": design.WARNING, "width": 2, "dash": "dash"}
    return {"type": "line", "x0": context, "x1": context, "y0": 0, "y1": 1, "yref": "paper", "line": line}
