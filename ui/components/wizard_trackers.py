"""Where the metrics are sent besides our own pages."""

from collections.abc import Callable

from nicegui import background_tasks, ui

from core.errors import StudioError
from core.studio import Studio
from core.tracking import TITLES
from storage.trackers import Tracker
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box
from ui.texts import say
from ui.threads import in_thread

ABOUT = {
    Tracker.WANDB: "Also send the metrics to Weights & Biases",
    Tracker.TENSORBOARD: "Event files in the run's folder",
    Tracker.MLFLOW: "An MLflow server, or files in the data folder",
    Tracker.TRACKIO: "A local dashboard, its files in the data folder",
}


class Trackers:
    """Metrics and settings are sent, never rows. A tracker that fails is told on the job page, and hurts no run."""

    def __init__(self, studio: Studio, form: SpecForm) -> None:
        self._studio = studio
        self._form = form
        self._helps: dict[Tracker, Text] = {}
        with box("ts-grid"):
            # A field of its own in the spec, as the form that this one follows has it.
            self._checkbox(Tracker.WANDB, "Enable Weights & Biases", form.get("wandb"), self._choose_wandb)
            for tracker in (Tracker.TENSORBOARD, Tracker.MLFLOW, Tracker.TRACKIO):
                is_chosen = tracker in form.get("trackers")
                self._checkbox(tracker, TITLES[tracker], is_chosen, self._chooser(tracker))
        background_tasks.create_lazy(self._show_hints(), name=f"tracker hints {ui.context.client.id}")

    def _checkbox(self, tracker: Tracker, title: str, value: object, choose: Callable[[bool], None]) -> None:
        with box("ts-field ts-check"):
            chosen = ui.checkbox(say(title), value=bool(value), on_change=lambda event: choose(bool(event.value)))
            chosen.props("dense").classes("ts-checkbox").mark(f"tracker-{tracker}")
            self._helps[tracker] = Text("p", f"{say(ABOUT[tracker])}.", "ts-help")

    async def _show_hints(self) -> None:
        for tracker, text in self._helps.items():
            try:
                hint = await in_thread(self._studio.tracking.hint, tracker)
            except StudioError as error:
                hint = str(error)
            text.text = f"{say(ABOUT[tracker])}. {say(hint)}".strip()

    def _choose_wandb(self, is_chosen: bool) -> None:
        self._form.set("wandb", is_chosen)

    def _chooser(self, tracker: Tracker) -> Callable[[bool], None]:
        def choose(is_chosen: bool) -> None:
            others = [known for known in self._form.get("trackers") if known != tracker]
            self._form.set("trackers", [*others, tracker.value] if is_chosen else others)

        return choose
