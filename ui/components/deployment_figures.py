"""What a deployment does, in figures that follow it."""

from core.serving.deployments import Deployed
from ui.components.quantity import size_of
from ui.components.text import Text, box

LATELY = "Of the last 15 minutes"


class DeploymentFigures:
    def __init__(self) -> None:
        self._values: dict[str, Text] = {}
        with box("ts-figures", "dl").props("aria-label=Figures").mark("figures"):
            for term in ("Requests", "Running now", "Errors", "Tokens read", "Tokens written", "Memory"):
                self._figure(term)
            for term in ("Tokens per second", "First token", "Latency"):
                self._figure(term, LATELY)

    def show(self, deployed: Deployed) -> None:
        figures = deployed.figures
        shown = {
            "Requests": f"{figures.requests:,}",
            "Running now": f"{figures.running:,}",
            "Errors": f"{figures.errors:,}",
            "Tokens read": f"{figures.prompt_tokens:,}",
            "Tokens written": f"{figures.completion_tokens:,}",
            "Memory": size_of(deployed.standing.memory_bytes) if deployed.standing.memory_bytes else "none",
            "Tokens per second": f"{figures.tokens_per_s:.1f}" if figures.tokens_per_s else "–",
            "First token": times(figures.first_p50_s, figures.first_p95_s),
            "Latency": times(figures.latency_p50_s, figures.latency_p95_s),
        }
        for term, value in shown.items():
            self._values[term].text = value
            self._values[term].props["title"] = value

    def _figure(self, term: str, title: str = "") -> None:
        with box("ts-figure"):
            name = Text("dt", term)
            if title:
                name.props["title"] = title
            self._values[term] = Text("dd", "–")


def times(middle_s: float | None, slow_s: float | None) -> str:
    """“120 ms, p95 1.4 s”."""
    if middle_s is None or slow_s is None:
        return "–"
    return f"{_time(middle_s)}, p95 {_time(slow_s)}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
