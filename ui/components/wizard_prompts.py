"""Prompts whose answers are followed while the model is trained."""

from nicegui import ui

from storage.spec import LONGEST_SAMPLE_PROMPT, MOST_SAMPLE_PROMPTS
from ui.components.button import Button
from ui.components.folded import Folded
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box
from ui.texts import say

PATH = "sample_prompts"


class SamplePrompts:
    def __init__(self, form: SpecForm) -> None:
        self._form = form
        prompts = [str(prompt) for prompt in form.get(PATH)]
        self._areas: list[ui.textarea] = []
        with Folded("Sample prompts", is_open=bool(prompts)):
            Text(
                "p",
                "Answered before the first step and at each checkpoint, so that you can read what the model learns.",
                "ts-help",
            )
            self._list = box("ts-stretch ts-prompt-list")
            self._add = Button("Add a prompt", self._add_one, icon="plus").mark("add-prompt")
        for prompt in prompts or [""]:
            self._append(prompt)

    def _add_one(self) -> None:
        self._append("")
        self._areas[-1].run_method("focus")

    def _append(self, prompt: str) -> None:
        number = len(self._areas) + 1
        with self._list, box("ts-field"):
            Text("label", say("Prompt {number}", number=number), "ts-label").props["for"] = f"sample-prompt-{number}"
            area = ui.textarea(value=prompt, on_change=self._changed)
            area.props(f"outlined dense autogrow for=sample-prompt-{number} maxlength={LONGEST_SAMPLE_PROMPT}")
            area.classes("ts-input").mark(f"sample-prompt-{number}")
        self._areas.append(area)
        self._add.visible = len(self._areas) < MOST_SAMPLE_PROMPTS

    def _changed(self) -> None:
        self._form.set(PATH, [text for area in self._areas if (text := (area.value or "").strip())])
