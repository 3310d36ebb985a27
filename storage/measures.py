"""What an evaluation is judged by, and so which checkpoint is the best. Lower is better in every rank."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from storage.spec import Objective


@dataclass(frozen=True, slots=True)
class Measure:
    """Its name in events and in the Trainer's log, its name for people, and which way is better."""

    key: str
    title: str
    is_higher_better: bool = False

    def of(self, log_history: Iterable[Mapping[str, float]]) -> Iterator[tuple[int, float]]:
        """Step and value of every evaluation, in order, as far as it is a number."""
        for entry in log_history:
            if math.isfinite(entry.get(self.key, math.nan)):
                yield int(entry["step"]), entry[self.key]

    def rank(self, value: float) -> float:
        """Lower is better, whatever is measured."""
        return -value if self.is_higher_better else value

    def ranks(self, values: Mapping[int, float]) -> dict[int, float]:
        return {step: self.rank(value) for step, value in values.items()}


LOSS = Measure("eval_loss", "evaluation loss")
REWARD = Measure("eval_reward", "mean reward of the held-out prompts", is_higher_better=True)
MEASURES = {Objective.SFT: LOSS, Objective.DPO: LOSS, Objective.RFT: REWARD}
