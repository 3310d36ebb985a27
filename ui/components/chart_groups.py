"""Which curves a job has: tab → chart → metric → what the legend calls it. It depends on what the job learns from."""

from collections.abc import Sequence

from storage.spec import Objective
from ui import design
from ui.components.chart_figure import Curve
from ui.texts import say

Charts = dict[str, dict[str, str]]

LOSS = "Loss"
ALL = "All"
#: Bytes are read in gigabytes.
DIVISORS = {"memory_bytes": 1e9}
COMMON: dict[str, Charts] = {
    LOSS: {"Loss": {"loss": "Train loss", "eval_loss": "Eval loss"}},
    "Learning rate": {"Learning rate": {"learning_rate": "Learning rate"}},
    "Gradient norm": {"Gradient norm": {"grad_norm": "Gradient norm"}},
    "Tokens/s": {"Tokens per second": {"tokens_per_second": "Tokens per second"}},
    "Memory": {"Memory in GB": {"memory_bytes": "Memory"}},
}
SUPERVISED: dict[str, Charts] = {
    "Accuracy": {
        "Share of answer tokens that it would have said": {"mean_token_accuracy": "Token accuracy"},
        "Entropy": {"entropy": "Nats a token"},
    },
}
PREFERENCE: dict[str, Charts] = {
    "Rewards": {
        "Rewards": {"rewards/chosen": "Preferred answers", "rewards/rejected": "Rejected answers"},
        "Reward margin": {"rewards/margins": "Train margin", "eval_rewards/margins": "Eval margin"},
        "Share of pairs with the preferred answer ahead": {
            "rewards/accuracies": "By train reward",
            "eval_rewards/accuracies": "By eval reward",
            "eval_preferred": "By eval likelihood",
        },
    },
}
REINFORCEMENT: dict[str, Charts] = {
    "Reward": {
        "Reward": {"reward": "Mean reward", "eval_reward": "Held-out prompts"},
        "Reward spread": {"reward_std": "Within a prompt's answers"},
        "Share of prompts that teach nothing": {
            "zero_spread": "All rewards the same",
            "identical": "All answers the same",
        },
    },
    "Answers": {
        "Answer length in tokens": {"completion_tokens": "Mean length"},
        "Share of answers that were cut off": {"completion_clipped": "Cut off"},
    },
    "Policy": {
        "Divergence from the start (KL)": {"kl": "KL a token"},
        "Entropy": {"entropy": "Nats a token"},
    },
}


def tabs_of(objective: Objective, parts: Sequence[str] = ()) -> dict[str, Charts]:
    """`parts` are the names of a multi grader's members, each with a reward of its own. The first tab is what a job
    of this kind is judged by; the loss says little of one that is not supervised."""
    match objective:
        case Objective.SFT:
            tabs = COMMON | SUPERVISED
        case Objective.DPO:
            tabs = PREFERENCE | COMMON
        case Objective.RFT:
            tabs = REINFORCEMENT | COMMON
            if parts:
                by_grader = {"Reward by grader": {f"reward/{name}": name for name in parts}}
                tabs = tabs | {"Reward": tabs["Reward"] | by_grader}
    return tabs | {ALL: {title: names for charts in tabs.values() for title, names in charts.items()}}


def curves_of(names: dict[str, str]) -> list[Curve]:
    return [
        Curve(
            key=name,
            label=say(label),
            colour=design.chart_colour(name, at),
            is_sparse=name.startswith("eval_"),
            divisor=DIVISORS.get(name, 1),
        )
        for at, (name, label) in enumerate(names.items())
    ]


def metric_names() -> dict[str, str]:
    """Metric → what it is called where it stands alone, over all kinds of jobs."""
    names: dict[str, str] = {}
    for objective in Objective:
        for title, metrics in tabs_of(objective)[ALL].items():
            shown = {key: (say(title), say(label)) for key, label in metrics.items()}
            names |= {key: label if label == chart else f"{chart} · {label}" for key, (chart, label) in shown.items()}
    return names
