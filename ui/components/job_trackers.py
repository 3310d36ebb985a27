"""How far the trackers are that a job also tells its metrics to."""

from core.tracking import TITLES, TrackerNews
from ui.components.facts import fact
from ui.components.text import box, heading

WORDS = {"waiting": "Not started", "sending": "Sending", "done": "Sent", "failed": "Failed"}


class JobTrackers:
    """Invisible where none was asked for."""

    def __init__(self) -> None:
        with box("ts-card", "section", label="Trackers") as self._card:
            heading("Trackers", 2)
            self._list = box("ts-facts", "dl").mark("trackers")
        self._card.visible = False
        self._shown: tuple[TrackerNews, ...] = ()

    def show(self, known: tuple[TrackerNews, ...]) -> None:
        if known == self._shown:
            return
        self._shown = known
        self._card.visible = bool(known)
        self._list.clear()
        with self._list:
            for one in known:
                failed = "The run is not touched by this. " if one.state == "failed" else ""
                fact(TITLES[one.tracker], WORDS.get(one.state, one.state), note=f"{failed}{one.message}".strip())
