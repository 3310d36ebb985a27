"""How should the model learn? The first question after "Fine-tune a Model"."""

from nicegui import ui

from storage.spec import Objective
from ui import routes
from ui.components.button import Button
from ui.components.choice_card import Choice, choice_card
from ui.components.text import Text, box, heading

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
        is_coming=True,
    ),
    Choice(
        value=Objective.DPO,
        title="Direct Preference (DPO)",
        text="Uses pairs of preferred vs. rejected answers to directly teach the model what people like.",
        is_coming=True,
    ),
)


def method_modal() -> ui.dialog:
    """Closed at first; `open()` it. Continue leads to the wizard."""
    with ui.dialog().props("aria-label='Choose a fine-tuning method'") as dialog, box("ts-dialog ts-dialog-wide"):
        heading("Fine-tune a Model", 2)
        Text("p", "Choose how the model should learn.", "ts-muted")
        with box("ts-choices").props("role=radiogroup aria-label='Fine-tuning method'"):
            for choice in CHOICES:
                choice_card("objective", choice, chosen=choice.value == Objective.SFT)
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Continue", lambda: ui.navigate.to(routes.wizard(objective=Objective.SFT)), kind="primary")
    return dialog
