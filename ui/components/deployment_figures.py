"""What a deployment does, in figures that follow it."""

from core.serving.deployments import Deployed
from ui.components.quantity import size_of
from ui.components.text import Text, box
from ui.texts import say

LATELY = "Of the last 15 minutes"


class DeploymentFigures:
    def __init__(self) -> None:
        self._values: dict[str, tuple[Text, Text]] = {}
        with box("ts-figures ts-deployed-figures", "dl", label="Figures").mark("figures"):
            for term in ("Requests", "Tokens read", "Tokens written", "Memory"):
                self._figure(term)
            for term in ("Tokens per second", "First token", "Latency"):
                self._figure(term, LATELY)

    def show(self, deployed: Deployed) -> None:
        figures, memory = deployed.figures, deployed.standing.memory_bytes
        shares = deployed.standing.shares
        self._show(
            "Requests",
            f"{figures.requests:,}",
            say("{running:,} running, {failed:,} failed", running=figures.running, failed=figures.errors),
        )
        self._show("Tokens read", f"{figures.prompt_tokens:,}")
        self._show("Tokens written", f"{figures.completion_tokens:,}")
        shared = (
            say("shared by {count} adapter | shared by {count} adapters", count=shares) if memory and shares > 1 else ""
        )
        self._show("Memory", size_of(memory) if memory else "none", shared)
        self._show("Tokens per second", f"{figures.tokens_per_s:.1f}" if figures.tokens_per_s else "–")
        self._show("First token", time_of(figures.first_p50_s), slow(figures.first_p95_s))
        self._show("Latency", time_of(figures.latency_p50_s), slow(figures.latency_p95_s))

    def _show(self, term: str, value: str, more: str = "") -> None:
        main, below = self._values[term]
        main.text, below.text = value, more

    def _figure(self, term: str, title: str = "") -> None:
        with box("ts-figure"):
            name = Text("dt", term)
            if title:
                name.props["title"] = say(title)
            self._values[term] = Text("dd", "–"), Text("dd", "", "ts-sub")


def slow(seconds: float | None) -> str:
    return "" if seconds is None else f"p95 {time_of(seconds)}"


def time_of(seconds: float | None) -> str:
    """“120 ms”, “1.4 s”."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
