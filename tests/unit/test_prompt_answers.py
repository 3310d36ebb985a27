"""Answers over time stay few, the first and the last among them; answering takes a bounded part of the time."""

from core.prompt_answers import MOST_STEPS, Answers
from storage.events import PromptAnswer
from training.cadence import TimeShare


def answer(step: int, text: str = "", index: int = 0) -> PromptAnswer:
    return PromptAnswer(index=index, step=step, prompt="Hello?", answer=text or f"at {step}")


def test_they_are_in_order_and_a_further_attempt_replaces_what_it_repeats() -> None:
    answers = Answers([answer(10), answer(0, index=1), answer(0), answer(10, "again")])
    assert [(one.index, one.step, one.answer) for one in answers.all()] == [
        (0, 0, "at 0"),
        (0, 10, "again"),
        (1, 0, "at 0"),
    ]


def test_of_many_the_first_and_the_newest_stay() -> None:
    answers = Answers(answer(step, index=index) for step in range(1000) for index in (0, 1))
    steps = answers.steps()
    assert len(steps) <= MOST_STEPS
    assert (steps[0], steps[-1]) == (0, 999)
    assert len(answers.all()) == 2 * len(steps)


def test_a_share_of_the_time_is_kept_whatever_a_turn_takes() -> None:
    now = [0.0]
    share, spent = TimeShare(0.05, clock=lambda: now[0]), 0.0
    assert share.is_free()
    for turn in range(2000):
        now[0] += 1.0
        if share.is_free():
            took = 0.5 + (turn % 7)
            now[0] += took
            spent += took
            share.took(took)
    assert 0 < spent / now[0] < 0.06
