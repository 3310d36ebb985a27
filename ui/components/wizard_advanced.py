"""How the steps go on: schedule, regularisation, and when to stop. Folded away, as every default works."""

from nicegui import ui

from storage.spec import Objective
from ui.components.folded import Folded
from ui.components.spec_field import spec_field, spec_select
from ui.components.spec_form import SpecForm
from ui.components.text import box

FIELDS = ("weight_decay", "max_gradient_norm", "early_stopping", "micro_batch_tokens")
CHOICES = ("scheduler", "export_step")


class AdvancedSettings:
    def __init__(self, form: SpecForm) -> None:
        # Noise would be taken for a change from the reference, or drown what a reward says.
        noise = ("neftune_alpha",) if form.get("objective") == Objective.SFT else ()
        self._fold = Folded("Schedule, regularisation and early stopping", marker="fold-advanced")
        with self._fold, box("ts-grid"):
            self._entries: list[ui.input] = [spec_field(form, f"hyperparameters.{name}") for name in (*FIELDS, *noise)]
            for name in CHOICES:
                spec_select(form, f"hyperparameters.{name}")

    def check(self) -> bool:
        """Marks what cannot be sent, and unfolds it."""
        is_valid = all([entry.validate() for entry in self._entries])
        if not is_valid:
            self._fold.open()
        return is_valid
