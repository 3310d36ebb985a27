"""What preference optimisation is asked beyond the common settings."""

from nicegui import ui

from ui.components.spec_field import spec_checkbox, spec_field, spec_select
from ui.components.spec_form import SpecForm
from ui.components.text import box, heading


def dpo_panel(form: SpecForm) -> list[ui.input]:
    """The inputs that can hold something that cannot be sent."""
    with box("ts-panel", "section", label="Preference Parameters"):
        heading("Preference Parameters", 3)
        with box("ts-grid"):
            entries = [spec_field(form, "dpo.beta")]
            spec_select(form, "dpo.loss")
            entries += [spec_field(form, path) for path in ("dpo.sft_weight", "dpo.label_smoothing")]
            spec_checkbox(form, "dpo.reference_free")
    return entries
