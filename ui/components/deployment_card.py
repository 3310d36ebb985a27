"""A deployment in the list: its name, what stands behind it, and how it stands."""

from core.serving.deployments import Deployed
from ui import routes
from ui.components.clock import short_date
from ui.components.quantity import size_of
from ui.components.status_pill import StatusPill
from ui.components.text import Text, box, link
from ui.texts import say


def deployment_card(deployed: Deployed) -> None:
    row, standing, figures = deployed.row, deployed.standing, deployed.figures
    with box("ts-card ts-dataset ts-model", "article").mark(f"deployment-{row.name}"):
        with box("ts-dataset-head"):
            with box("ts-option-text"):
                with Text("h2", "", "ts-dataset-name"):
                    link(row.name, routes.deployment(row.name), "ts-row-title")
                Text("span", deployed.target, "ts-option-sub").props["title"] = deployed.target
            StatusPill(standing.state)
        Text("p", standing.reason, "ts-muted")
        with box("ts-dataset-facts", "dl"):
            _fact(
                "Requests",
                f"{figures.requests:,}" + (say(", {count:,} failed", count=figures.errors) if figures.errors else ""),
            )
            _fact("Tokens written", f"{figures.completion_tokens:,}")
            _fact("Memory", size_of(standing.memory_bytes) if standing.memory_bytes else "none")
        with box("ts-dataset-foot"):
            Text("span", f"{row.created_by_name}, {short_date(row.created_at)}")


def _fact(term: str, value: str) -> None:
    with box("ts-dataset-fact"):
        Text("dt", term)
        Text("dd", value)
