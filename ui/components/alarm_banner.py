"""What goes wrong in a run without an error, with what to do about it: above everything else on the job's page."""

from collections.abc import Callable, Iterable

from nicegui import ui

from core.rollouts import Order
from storage.events import Warn
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.text import Text, box, heading, icon

TITLES = {
    "zero_spread": "All answers to a prompt get the same reward",
    "identical_answers": "The model gives the same answer every time",
    "length_drift": "Answers change their length",
    "kl_blow_up": "The model moves far from its start",
    "clipped_answers": "Answers are cut off",
    "grader_error": "The grader could not score an answer",
    "grader_away": "The grader's model does not answer",
}
#: Which prompts show it.
SHOWN_BY = {
    "zero_spread": Order.LOWEST_SPREAD,
    "identical_answers": Order.LOWEST_SPREAD,
    "kl_blow_up": Order.HIGHEST_REWARD,
    "length_drift": Order.HIGHEST_REWARD,
    "clipped_answers": Order.LOWEST_REWARD,
    "grader_error": Order.LOWEST_REWARD,
}


class AlarmBanner:
    """Invisible while nothing is wrong. `on_look` shows rollouts in an order."""

    def __init__(self, job: Job, on_look: Callable[[Order], None]) -> None:
        self._job = job
        self._on_look = on_look
        self._card = box("ts-card ts-alarms", "section").props("role=alert")
        self.clear()

    def clear(self) -> None:
        self._card.clear()
        self._card.visible = False

    def add(self, warnings: Iterable[Warn]) -> None:
        with self._card:
            for alarm in warnings:
                if alarm.code:
                    self._card.visible = True
                    self._alarm(alarm)

    def _alarm(self, alarm: Warn) -> None:
        with box("ts-alarm"):
            with box("ts-failure-head"):
                icon("alert")
                heading(TITLES.get(alarm.code, "Something to look at"), 2)
            Text("p", alarm.message)
            with box("ts-actions"):
                order = SHOWN_BY.get(alarm.code, Order.AS_SAMPLED)
                Button("See such answers", lambda: self._on_look(order)).mark(f"see-{alarm.code}")
                clone = routes.wizard(objective=self._job.objective, clone=self._job.id)
                Button("Clone and change", lambda: ui.navigate.to(clone))
