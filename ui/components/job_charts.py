"""The curves of a job: which there are depends on what it learns from."""

from collections.abc import Sequence

from storage.events import Metric
from storage.spec import Objective
from ui.components.metric_chart import MetricChart, Series
from ui.components.text import Text, box, heading

#: Title → metric → what the legend calls it.
CHARTS: dict[str, dict[str, str]] = {
    "Loss": {"loss": "Train loss", "eval_loss": "Eval loss"},
    "Learning rate": {"learning_rate": "Learning rate"},
}
PREFERENCE_CHARTS: dict[str, dict[str, str]] = {
    "Rewards": {"rewards/chosen": "Preferred answers", "rewards/rejected": "Rejected answers"},
    "Reward margin": {"rewards/margins": "Train margin", "eval_rewards/margins": "Eval margin"},
    "Share of pairs with the preferred answer ahead": {
        "rewards/accuracies": "By train reward",
        "eval_rewards/accuracies": "By eval reward",
        "eval_preferred": "By eval likelihood",
    },
}
REINFORCEMENT_CHARTS: dict[str, dict[str, str]] = {
    "Reward": {"reward": "Mean reward", "eval_reward": "Held-out prompts"},
    "Reward spread": {"reward_std": "Within a prompt's answers"},
    "Answer length in tokens": {"completion_tokens": "Mean length"},
    "Divergence from the start (KL)": {"kl": "KL a token"},
    "Entropy": {"entropy": "Nats a token"},
    "Share of prompts that teach nothing": {"zero_spread": "All rewards the same", "identical": "All answers the same"},
}
FURTHER_CHARTS = {Objective.DPO: PREFERENCE_CHARTS, Objective.RFT: REINFORCEMENT_CHARTS}


class JobCharts:
    """`parts` are the names of a multi grader's members, each with a reward of its own."""

    def __init__(self, objective: Objective, job_id: str, parts: Sequence[str] = ()) -> None:
        further = FURTHER_CHARTS.get(objective, {})
        if parts:
            further = {
                "Reward": further["Reward"],
                "Reward by grader": {f"reward/{name}": name for name in parts},
            } | further
        # What reinforcement is judged by is its reward; its loss says little.
        titles = further | CHARTS if objective is Objective.RFT else CHARTS | further
        self._charts: list[MetricChart] = []
        with box("ts-card", "section").props("aria-label=Metrics"):
            heading("Training metrics", 2)
            for title, names in titles.items():
                Text("h3", title, "ts-chart-title")
                self._charts.append(MetricChart(title, names, key=job_id, tall=title == next(iter(titles))))

    def show(self, series: Series) -> None:
        """Replace everything."""
        for chart in self._charts:
            chart.show(series)

    def extend(self, metrics: Sequence[Metric]) -> None:
        for chart in self._charts:
            chart.extend(metrics)

    @property
    def is_crowded(self) -> bool:
        return any(chart.is_crowded for chart in self._charts)
