"""Follows one run for a page: its history first, then what is new, and every event once."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nicegui import background_tasks, ui

from core.feed import FeedUpdate
from core.history import History
from core.odometer import Odometer
from core.series import Point
from core.studio import Studio
from storage.events import Event, Metric
from storage.run_folder import Stretch
from ui.threads import in_thread


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What has come since, and what it adds to the curves."""

    events: tuple[Event, ...]
    stretch: Stretch | None
    points: dict[str, list[Point]] = field(default_factory=dict)


class RunFollower:
    """`on_history` replaces what the page shows, `on_news` adds to it. The feed publishes to all pages and knows
    nothing of when one was opened, so what the history holds already is dropped."""

    def __init__(
        self,
        studio: Studio,
        job_id: str,
        *,
        on_history: Callable[[History], None],
        on_news: Callable[[News], None],
        is_crowded: Callable[[], bool],
    ) -> None:
        self._studio = studio
        self._job_id = job_id
        self._on_history, self._on_news, self._is_crowded = on_history, on_news, is_crowded
        self._attempt = self._seen = -1
        self._odometer = Odometer()
        self._may_go_back = False
        self._early: list[FeedUpdate] | None = []
        self._task = f"history of {job_id} for page {ui.context.client.id}"

    async def read(self) -> None:
        """Everything, as it is now."""
        self._early = [] if self._early is None else self._early
        history = await in_thread(self._studio.feed.history, self._job_id)
        self._attempt, self._seen = history.attempt, history.seq
        self._odometer = history.odometer
        # A further attempt may do steps again: what of the curves stays is known with its first measurement.
        self._may_go_back = history.last is None and bool(history.series)
        self._on_history(history)
        early, self._early = self._early, None
        for update in early:
            self._take(update)

    def on_feed(self, update: FeedUpdate) -> None:
        if update.job_id != self._job_id:
            return
        if self._early is not None:
            self._early.append(update)
        elif update.attempt != self._attempt or self._is_crowded():
            self._read_again()
        else:
            self._take(update)

    def _take(self, update: FeedUpdate) -> None:
        if update.attempt != self._attempt:
            return
        events = tuple(event for event in update.events if event.seq > self._seen)
        if self._may_go_back and any(isinstance(event, Metric) for event in events):
            self._read_again()
            return
        self._seen = events[-1].seq if events else self._seen
        self._on_news(News(events=events, stretch=update.stretch, points=self._points(events)))

    def _points(self, events: tuple[Event, ...]) -> dict[str, list[Point]]:
        points: dict[str, list[Point]] = {}
        for event in events:
            self._odometer.read(event)
            if isinstance(event, Metric):
                for name, point in self._odometer.points(event).items():
                    points.setdefault(name, []).append(point)
        return points

    def _read_again(self) -> None:
        background_tasks.create_lazy(self.read(), name=self._task)
