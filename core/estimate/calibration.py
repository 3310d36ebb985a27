"""What earlier runs say about the formulas: how far they were off on this machine, and by how much to correct them."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from storage.prediction import Comparison, Setting

#: Of so many of the newest runs the median counts: one odd run changes nothing.
NEWEST = 7
#: A correction beyond these says that something else is wrong.
MEMORY_BOUNDS = (0.6, 1.6)
SPEED_BOUNDS = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factors on the formulas, and how many runs they rest on."""

    memory: float = 1.0
    speed: float = 1.0
    runs: int = 0


NOT_CALIBRATED = Calibration()


def calibrate(setting: Setting, earlier: Iterable[Comparison]) -> Calibration:
    """By runs of the same machine, device, method and objective. Other machines and methods err in other ways."""
    alike = [run for run in earlier if run.setting == setting][-NEWEST:]
    if not alike:
        return NOT_CALIBRATED
    return Calibration(
        memory=_median([run.memory_factor for run in alike], *MEMORY_BOUNDS),
        speed=_median([run.speed_factor for run in alike], *SPEED_BOUNDS),
        runs=len(alike),
    )


def _median(factors: list[float | None], least: float, most: float) -> float:
    known = [factor for factor in factors if factor is not None]
    return min(max(statistics.median(known), least), most) if known else 1.0
