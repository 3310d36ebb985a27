"""Step 3: names, hyperparameters, switches, and what will really run."""

from collections.abc import Callable

from nicegui import background_tasks, ui

from core.errors import StudioError
from core.studio import Studio
from storage.spec import Compute, Objective, RunSpec
from ui.components.dpo_panel import dpo_panel
from ui.components.estimate_panel import EstimatePanel
from ui.components.rft_panel import RftPanel
from ui.components.same_job import SameJob
from ui.components.spec_field import spec_checkbox, spec_field
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box, heading
from ui.components.wizard_advanced import AdvancedSettings
from ui.components.wizard_prompts import SamplePrompts
from ui.components.wizard_template import ChatTemplate
from ui.components.wizard_trackers import Trackers
from ui.texts import say
from ui.threads import in_thread

NAMES = {
    "output_name": "ft-<timestamp>-<random-string>",
    "job_id": "auto-generated",
    "display_name": "(optional)",
}
NUMBERS = {
    "hyperparameters.epochs": "",
    "hyperparameters.batch_size": "",
    "method.rank": "LoRA Rank",
    "hyperparameters.learning_rate": "",
    "hyperparameters.max_context_length": "",
    "hyperparameters.gradient_accumulation_steps": "",
    "hyperparameters.warmup_steps": "",
    "hyperparameters.seed": "",
    "devices": "",
}
CHECKPOINTS = (
    "hyperparameters.eval_steps",
    "checkpoints.save_minutes",
    "checkpoints.save_steps",
    "checkpoints.best",
    "checkpoints.latest",
    "checkpoints.every",
)


class SettingsStep:
    """`begin` draws what comes first, before the fields."""

    def __init__(self, studio: Studio, form: SpecForm, begin: Callable[[], object]) -> None:
        self._studio = studio
        self._form = form
        self._task = f"preview {ui.context.client.id}"
        with box("ts-wizard-settings"):
            with box("ts-wizard-settings-fields"):
                begin()
                self._fields()
                self._same = SameJob(studio.home)
            with box("ts-wizard-settings-outlook", "aside", label="What this job takes"):
                self._estimate = EstimatePanel(form)
                with box("ts-panel", "section", label="What will really run"):
                    heading("What will really run", 3)
                    self._outlook = box("ts-stretch").props("role=status").mark("outlook")
        form.on_change(self.look_ahead)

    summary = "Names, epochs, batch size, learning rate"

    def _fields(self) -> None:
        form = self._form
        self._entries = dpo_panel(form) if form.get("objective") == Objective.DPO else []
        self._rft = RftPanel(self._studio, form) if form.get("objective") == Objective.RFT else None
        self._entries += self._rft.entries if self._rft else []
        with box("ts-grid"):
            self._entries += [spec_field(form, path, placeholder=shown) for path, shown in NAMES.items()]
        heading("General Training Parameters", 3)
        with box("ts-grid"):
            self._entries += [spec_field(form, path, title=title) for path, title in NUMBERS.items()]
            spec_checkbox(form, "turbo")
            spec_checkbox(form, "hyperparameters.gradient_checkpointing")
        heading("Evaluation and checkpoints", 3)
        with box("ts-grid"):
            self._entries += [spec_field(form, path) for path in CHECKPOINTS]
        self._advanced = AdvancedSettings(form)
        SamplePrompts(form)
        ChatTemplate(self._studio, form)
        Trackers(self._studio, form)

    def check(self) -> bool:
        """Marks every field that cannot be sent."""
        checked = [entry.validate() for entry in self._entries]
        return all([*checked, self._advanced.check(), self._rft.check() if self._rft else True])

    def look_ahead(self) -> None:
        background_tasks.create_lazy(self._look_ahead(), name=self._task)

    async def _look_ahead(self) -> None:
        spec = self._form.spec()
        self._same.show(spec)
        if spec is None:
            self._say(*self._form.problems().values())
            return
        try:
            runs = await in_thread(self._studio.runs.preview, spec)
            outlook, rungs = await in_thread(self._studio.runs.outlook, runs)
            free_disk_bytes = await in_thread(self._studio.predictions.free_disk_bytes)
        except StudioError as error:
            self._say(str(error))
            return
        self._outlook.clear()
        with self._outlook:
            _changes(runs)
        self._estimate.show(outlook, rungs, free_disk_bytes)

    def _say(self, *sentences: str) -> None:
        self._estimate.clear()
        self._outlook.clear()
        with self._outlook:
            for sentence in sentences:
                Text("p", sentence, "ts-error")


def _where(compute: Compute) -> str:
    if compute.device == "cpu":
        return say("this machine's CPU")
    return say("this machine's GPU | {count} of this machine's GPUs", count=compute.devices)


def _changes(runs: RunSpec) -> None:
    where = _where(runs.compute)
    if not runs.changes:
        Text("p", say("Everything runs on {where} exactly as asked.", where=where), "ts-muted")
        return
    Text("p", say("On {where}, some values are adapted; the rest runs as asked.", where=where), "ts-muted")
    with box("ts-changes", "ul"):
        for change in runs.changes:
            with box("ts-change", "li"):
                Text("span", change.field, "ts-strong")
                Text("span", f"{change.asked} → {change.runs}", "ts-change-values")
                Text("span", change.reason, "ts-muted")
