"""How curves are looked at: which tab, over what, how smooth, on which scale. Its address reproduces it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.series import Axis
from core.smoothing import MOST


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartView:
    """`tab` is a name that the page may not have; then it shows its first one."""

    tab: str = ""
    axis: Axis = Axis.STEP
    smoothing: float = 0.0
    log: bool = False

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "ChartView":
        """Whatever stands in the address becomes a valid view."""
        axis = query.get("axis", "")
        return cls(
            tab=query.get("tab", "")[:60],
            axis=Axis(axis) if axis in set(Axis) else Axis.STEP,
            smoothing=_smoothing(query.get("smoothing", "")),
            log=query.get("log") == "1",
        )

    def query(self) -> dict[str, str]:
        """What of it is not as usual."""
        return {
            "tab": self.tab,
            "axis": "" if self.axis is Axis.STEP else self.axis.value,
            "smoothing": f"{self.smoothing:g}" if self.smoothing else "",
            "log": "1" if self.log else "",
        }


def _smoothing(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return round(min(max(weight, 0.0), MOST), 2) if math.isfinite(weight) else 0.0
