"""Samples over time: what the model says to the user's prompts, before training and at a step that is chosen."""

from collections.abc import Iterable

from core.prompt_answers import Answers
from storage.events import PromptAnswer
from ui.components.button import Button
from ui.components.range_field import RangeField
from ui.components.text import Text, box, heading
from ui.texts import say


class PromptAnswers:
    """Invisible until there is a first answer. Stays at the newest step until another one is chosen."""

    def __init__(self) -> None:
        self._answers = Answers()
        self._chosen: int | None = None
        with box("ts-card", "section", label="Samples over time") as self._card:
            heading("Samples over time", 2)
            Text("p", "Your prompts, answered before the first step and at checkpoints since.", "ts-muted")
            with box("ts-stepper", label="Which step").props("role=group") as self._stepper:
                self._back = Button("Earlier", lambda: self._turn(-1)).mark("answers-earlier")
                self._slider = RangeField("Which answers", 0, 1, 1, lambda at: self._choose(int(at)))
                self._slider.classes("ts-stepper-slider").mark("answers-step")
                self._on = Button("Later", lambda: self._turn(1)).mark("answers-later")
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

    def _choose(self, at: int) -> None:
        """The newest is chosen by not choosing: it moves on."""
        steps = self._answers.steps()
        self._chosen = None if at >= len(steps) - 1 else steps[max(at, 0)]
        self._draw()

    def _turn(self, by: int) -> None:
        self._choose(self._at() + by)

    def _at(self) -> int:
        """A step that was thinned out meanwhile gives way to the newest."""
        steps = self._answers.steps()
        return steps.index(self._chosen) if self._chosen in steps else len(steps) - 1

    def _draw(self) -> None:
        found, steps = self._answers.all(), self._answers.steps()
        self._card.visible = bool(found)
        self._list.clear()
        if not found:
            return
        at = self._at()
        self._stepper.visible = len(steps) > 1
        self._slider.show(at, len(steps) - 1)
        self._back.set_enabled(at > 0)
        self._on.set_enabled(at < len(steps) - 1)
        with self._list:
            for index in sorted({answer.index for answer in found}):
                _prompt([answer for answer in found if answer.index == index], steps[0], steps[at])


def _prompt(answers: list[PromptAnswer], first: int, chosen: int) -> None:
    by_step = {answer.step: answer for answer in answers}
    with box("ts-sample", "article"):
        with box("ts-sample-prompt"):
            Text("span", say("Prompt {number}", number=answers[0].index + 1), "ts-tag")
            Text("p", answers[-1].prompt)
        with box("ts-answers"):
            _answer(first, by_step.get(first), "ts-answer")
            if chosen != first:
                _answer(chosen, by_step.get(chosen), "ts-answer ts-answer-tuned")


def _answer(step: int, answer: PromptAnswer | None, classes: str) -> None:
    with box(classes):
        Text("span", say("Step {step:,}", step=step) if step else "Before training", "ts-tag")
        said = answer.answer if answer else "Not answered yet."
        Text("p", said or "(nothing)", "" if answer and said else "ts-muted")
