"""What a job was to take and what it took: foretold, measured, and by how much the estimate was off."""

from collections.abc import Iterator

from storage.prediction import Measured, Prediction
from ui.components.quantity import duration, size_of
from ui.components.text import Text, box, heading
from ui.texts import say


class JobCost:
    """Nothing for jobs of versions that foretold nothing."""

    def __init__(self) -> None:
        self._card = box("ts-card", "section", label="What it takes").mark("cost")
        self._card.visible = False
        self._shown: tuple[Prediction | None, Measured | None] = (None, None)

    def show(self, foretold: Prediction | None, came: Measured | None) -> None:
        if (foretold, came) == self._shown:
            return
        self._shown = (foretold, came)
        self._card.visible = foretold is not None
        self._card.clear()
        if foretold is None:
            return
        with self._card:
            heading("What it took" if came else "What it takes", 2)
            runs = say("{count:,} run | {count:,} runs", count=foretold.runs)
            basis = say("Estimates, calibrated by {runs}", runs=runs) if foretold.runs else say("Estimates")
            Text("p", say("{basis}. What is measured at the end corrects the next one.", basis=basis), "ts-muted")
            with box("ts-cost", "table"):
                with box("", "thead"), box("", "tr"):
                    for title in ("", "Estimate", "Measured", "Off by"):
                        Text("th", title)
                with box("", "tbody"):
                    for cells in _rows(foretold, came):
                        with box("", "tr"):
                            for cell in cells:
                                Text("td", cell)


def _rows(foretold: Prediction, came: Measured | None) -> Iterator[tuple[str, str, str, str]]:
    memory = foretold.peak_memory_bytes
    peak = came.peak_memory_bytes if came else None
    yield "Peak memory", size_of(memory), size_of(peak) if peak else "", off_by(memory, peak)
    speed = came.tokens_per_second if came else None
    expected = foretold.tokens_per_second
    yield "Tokens a second", f"{expected:,.0f}", f"{speed:,.0f}" if speed else "", off_by(expected, speed)
    seconds = came.seconds if came else None
    yield "Time", duration(foretold.seconds), duration(seconds) if seconds else "", off_by(foretold.seconds, seconds)
    disk = came.disk_bytes if came else None
    yield "Disk", size_of(foretold.disk_bytes), size_of(disk) if disk else "", off_by(foretold.disk_bytes, disk)


def off_by(foretold: float, came: float | None) -> str:
    """“+4 %”: so much more was foretold than came."""
    if not came:
        return ""
    return f"{100 * (foretold / came - 1):+.0f} %".replace("-", "−")
