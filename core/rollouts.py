"""A run's rollouts, read step by step: what the model answered, what it was rewarded, a page of prompts at a time.

Files are read anew where they have grown; of one step the latest attempt's line counts. Call it in a thread.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from storage.rollouts import ROLLOUT_STEP, RolloutGroup, RolloutStep
from storage.run_folder import RunFolder

#: A line is never longer: the trainer keeps a step within a quarter of a megabyte.
MOST_LINE_BYTES = 4 * 1024**2


class Order(StrEnum):
    """How the prompts of a step are shown."""

    AS_SAMPLED = "sampled"
    LOWEST_SPREAD = "lowest-spread"
    HIGHEST_REWARD = "highest-reward"
    LOWEST_REWARD = "lowest-reward"


@dataclass(frozen=True, order=True, slots=True)
class StepKey:
    """A training step, or the evaluation after it."""

    step: int
    held_out: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step's line lies."""

    path: Path
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutPage:
    """`total` prompts are kept of the step; `groups` are those of this page, in the order asked for."""

    record: RolloutStep
    groups: tuple[RolloutGroup, ...]
    first: int
    total: int


@dataclass(slots=True)
class RolloutIndex:
    """Of one run: which steps there are, and where. `update` reads only what is new; a page keeps it while open."""

    folder: RunFolder
    places: dict[StepKey, Place] = field(default_factory=dict)
    #: Of all attempts: it grows also where a step is repeated.
    lines: int = 0
    _ends: dict[Path, int] = field(default_factory=dict)

    def update(self) -> list[StepKey]:
        """All steps, in order."""
        for attempt in self.folder.attempts():
            for key, place in self._news(attempt.rollouts):
                self.places[key] = place
                self.lines += 1
        return sorted(self.places)

    def read(self, key: StepKey) -> RolloutStep:
        """Raises KeyError for a step that is not there."""
        place = self.places[key]
        with place.path.open("rb") as file:
            file.seek(place.offset)
            return ROLLOUT_STEP.validate_json(file.readline(MOST_LINE_BYTES))

    def _news(self, path: Path) -> Iterator[tuple[StepKey, Place]]:
        """A last line without its end is not there yet; one that cannot be read is passed over."""
        offset = self._ends.get(path, 0)
        try:
            with path.open("rb") as file:
                file.seek(offset)
                while (line := file.readline()).endswith(b"\n"):
                    place, offset = Place(path, offset), offset + len(line)
                    try:
                        record = ROLLOUT_STEP.validate_json(line)
                    except ValidationError:
                        continue
                    yield StepKey(record.step, record.held_out), place
        except FileNotFoundError:
            return
        self._ends[path] = offset


def page_of(record: RolloutStep, order: Order, first: int, count: int) -> RolloutPage:
    groups = sorted(record.groups, key=_KEYS[order]) if order in _KEYS else list(record.groups)
    first = max(0, min(first, len(groups) - 1))
    return RolloutPage(record=record, groups=tuple(groups[first : first + count]), first=first, total=len(groups))


def rewards(group: RolloutGroup) -> list[float]:
    """What could not be scored counts as 0, as it did for the trainer."""
    return [answer.reward or 0.0 for answer in group.answers]


def mean_reward(group: RolloutGroup) -> float:
    found = rewards(group)
    return sum(found) / len(found) if found else 0.0


def spread(group: RolloutGroup) -> float:
    """From the worst to the best."""
    found = rewards(group)
    return max(found) - min(found) if found else 0.0


_KEYS: dict[Order, Callable[[RolloutGroup], float]] = {
    Order.LOWEST_SPREAD: spread,
    Order.HIGHEST_REWARD: lambda group: -mean_reward(group),
    Order.LOWEST_REWARD: mean_reward,
}
