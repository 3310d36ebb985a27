"""Samples over time: what the model says to the user's prompts, step by step."""

from collections.abc import Iterable

from core.prompt_answers import Answers
from storage.events import PromptAnswer
from ui.components.text import Text, box, heading


class PromptAnswers:
    """Invisible until there is a first answer."""

    def __init__(self) -> None:
        self._answers = Answers()
        with box("ts-card", "section").props("aria-label='Samples over time'") as self._card:
            heading("Samples over time", 2)
            Text("p", "Your prompts, answered before the first step and at checkpoints since.", "ts-muted")
            self._list = box("ts-samples")
        self._card.visible = False

    def show(self, answers: Iterable[PromptAnswer]) -> None:
        """These and no others."""
        self._answers = Answers(answers)
        self._draw()

    def add(self, answers: Iterable[PromptAnswer]) -> None:
        news = list(answers)
        for answer in news:
            self._answers.add(answer)
        if news:
            self._draw()

    def _draw(self) -> None:
        found = self._answers.all()
        self._card.visible = bool(found)
        self._list.clear()
        with self._list:
            for index in sorted({answer.index for answer in found}):
                _prompt([answer for answer in found if answer.index == index])


def _prompt(answers: list[PromptAnswer]) -> None:
    with box("ts-sample", "article"):
        with box("ts-sample-prompt"):
            Text("span", f"Prompt {answers[0].index + 1}", "ts-tag")
            Text("p", answers[-1].prompt)
        with box("ts-over-time", "ol").props(f"tabindex=0 aria-label='Answers to prompt {answers[0].index + 1}'"):
            # The newest first: that is what one comes back for.
            for answer in reversed(answers):
                with box("ts-answer-then", "li"):
                    Text("span", f"Step {answer.step:,}" if answer.step else "Before training", "ts-tag")
                    Text("p", answer.answer or "(nothing)", "" if answer.answer else "ts-muted")
