"""How should the model learn? The first question after "Fine-tune a Model"."""

from functools import partial

from nicegui import ui

from storage.spec import Objective
from ui import routes
from ui.components.button import Button
from ui.components.choice_card import Choice, choice_card
from ui.components.text import Text, aria, box, heading

CHOICES = (
    Choice(
        value=Objective.SFT,
        title="Supervised (SFT)",
        text="Train models on examples of correct inputs and outputs to teach specific patterns and formats.",
        points_title="Use cases:",
        points=(
            "Classification tasks (sentiment, categorization, routing)",
            "Content extraction and entity recognition",
            "Style transfer and format standardization",
        ),
    ),
    Choice(
        value=Objective.RFT,
        title="Reinforced (RFT)",
        text="A way to help AI models reason better using feedback scores instead of tons of labeled examples.",
        points_title="Use cases:",
        points=(
            "Math and logic with answers that can be checked",
            "Output in an exact form (JSON, tags, length)",
            "Tasks where a score is easier to give than an example",
        ),
    ),
    Choice(
        value=Objective.DPO,
        title="Direct Preference (DPO)",
        text="Uses pairs of preferred vs. rejected answers to directly teach the model what people like.",
        points_title="Use cases:",
        points=(
            "Tone and politeness (kind vs. curt)",
            "Helpfulness and precision of answers",
            "Avoiding answers that people reject",
        ),
    ),
)


def method_modal(objective: Objective = Objective.SFT) -> ui.dialog:
    """Closed at first; `open()` it. Continue leads to the wizard. `objective` is chosen at first."""
    picked: list[Objective] = [objective]
    with ui.dialog().props(aria("Choose a fine-tuning method")) as dialog, box("ts-dialog ts-dialog-wide"):
        heading("Fine-tune a Model", 2)
        Text("p", "Choose how the model should learn.", "ts-muted")
        with box("ts-choices", label="Fine-tuning method").props("role=radiogroup"):
            for choice in CHOICES:
                choice_card("objective", choice, chosen=choice.value == picked[0], on_pick=partial(_pick, picked))
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Continue", lambda: ui.navigate.to(routes.wizard(objective=picked[0])), kind="primary")
    return dialog


def _pick(picked: list[Objective], value: str) -> None:
    picked[0] = Objective(value)
