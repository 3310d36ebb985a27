"""What goes wrong in reinforcement without an error: each said once, with figure and advice. Pure arithmetic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from storage.objectives import Rft

#: Steps that a look averages over; one bad step is chance.
WINDOW = 5
#: The part of the groups in which nothing can be learned, from which on it is said.
EVEN_SHARE = 0.75
IDENTICAL_SHARE = 0.5
CLIPPED_SHARE = 0.8
#: How many times longer or shorter answers have become, and by how many tokens at least.
DRIFT_FACTOR, DRIFT_TOKENS = 2.0, 16
#: Mean divergence a token (nats). Runs that went well stay below 0.1 or so; beyond this the text is another's.
MOST_KL = 0.5

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Alarm:
    code: str
    message: str


class Alarms:
    """Shown every training step's figures, also those of earlier attempts: what was said then is not said again."""

    def __init__(self, asked: Rft) -> None:
        self._asked = asked
        self._steps: list[Figures] = []
        self._said: set[str] = set()

    def look(self, figures: Figures) -> list[Alarm]:
        """New alarms after this step."""
        self._steps.append(figures)
        if len(self._steps) < WINDOW:
            return []
        found = [alarm for check in CHECKS if (alarm := check(self._steps, self._asked)) is not None]
        new = [alarm for alarm in found if alarm.code not in self._said]
        self._said |= {alarm.code for alarm in new}
        return new


def identical(steps: list[Figures], asked: Rft) -> Alarm | None:
    share = recent(steps, "identical")
    if share < IDENTICAL_SHARE:
        return None
    return Alarm(
        "identical_answers",
        f"Over the last {WINDOW} steps {share:.0%} of the groups had {asked.group_size} times the same answer, and "
        f"from those nothing is learned. Raise the temperature (now {asked.temperature:g}) or the KL beta "
        f"(now {asked.kl_beta:g}), or go back to an earlier checkpoint.",
    )


def even(steps: list[Figures], asked: Rft) -> Alarm | None:
    """Different answers with the same reward; identical ones are the other alarm's."""
    share = recent(steps, "zero_spread") - recent(steps, "identical")
    if share < EVEN_SHARE:
        return None
    return Alarm(
        "zero_spread",
        f"Over the last {WINDOW} steps the answers of {share:.0%} of the groups all got the same reward "
        f"({recent(steps, 'reward'):.2f} on average), so nothing is learned from them. If it is low, the task is too "
        "hard for this model: take easier prompts, or a grader that gives part of the points. If it is high, the task "
        f"is learned. A larger group (now {asked.group_size}) finds differences more often.",
    )


def drift(steps: list[Figures], asked: Rft) -> Alarm | None:
    start, now = fmean(step["completion_tokens"] for step in steps[:WINDOW]), recent(steps, "completion_tokens")
    if abs(now - start) < DRIFT_TOKENS or max(now, start) < DRIFT_FACTOR * max(min(now, start), 1.0):
        return None
    word = "longer" if now > start else "shorter"
    return Alarm(
        "length_drift",
        f"Answers have become {word}: {now:.0f} tokens on average over the last {WINDOW} steps, {start:.0f} at the "
        f"start. Look at the rollouts: if that is not what you want, the grader rewards it. Add a length grader to a "
        f"multi grader, or raise the KL beta (now {asked.kl_beta:g}).",
    )


def far_away(steps: list[Figures], asked: Rft) -> Alarm | None:
    if any("kl" not in step for step in steps[-WINDOW:]):
        return None
    divergence = recent(steps, "kl")
    if divergence < MOST_KL:
        return None
    return Alarm(
        "kl_blow_up",
        f"The model has moved far from its start: a divergence of {divergence:.2f} a token over the last {WINDOW} "
        f"steps (below 0.1 is usual). Read some rollouts: rewards that rise while the text gets worse are a loophole "
        f"of the grader. Lower the learning rate, or raise the KL beta (now {asked.kl_beta:g}).",
    )


def clipped(steps: list[Figures], asked: Rft) -> Alarm | None:
    share = recent(steps, "completion_clipped")
    if share < CLIPPED_SHARE:
        return None
    return Alarm(
        "clipped_answers",
        f"Over the last {WINDOW} steps {share:.0%} of the answers were cut off at {asked.max_completion_tokens} "
        "tokens, so the grader sees no end of them. Raise the Max Completion Length, or ask for shorter answers in the "
        "prompts.",
    )


CHECKS: tuple[Callable[[list[Figures], Rft], Alarm | None], ...] = (identical, even, drift, far_away, clipped)


def recent(steps: list[Figures], name: str) -> float:
    return fmean(step.get(name, 0.0) for step in steps[-WINDOW:])
