"""💡 What is Supervised Fine-Tuning? Said where the examples are chosen, for each objective."""

from dataclasses import dataclass

from storage.spec import Objective
from ui.components.text import Text, box, emoji, heading
from ui.texts import say


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """`points` and `example`: what each part of an example is called, and what stands there."""

    title: str
    text: str
    points: tuple[tuple[str, str], ...]
    example: tuple[tuple[str, str], ...]


LESSONS = {
    Objective.SFT: Lesson(
        title="What is Supervised Fine-Tuning?",
        text="Supervised fine-tuning teaches your AI model by showing it labeled examples:",
        points=(("INPUT:", "User questions or requests"), ("OUTPUT:", "Your desired AI responses")),
        example=(
            ("INPUT:", '"What\'s the refund policy?"'),
            ("OUTPUT:", '"We offer a 30-day money-back guarantee..."'),
        ),
    ),
    Objective.DPO: Lesson(
        title="What is Direct Preference Optimization?",
        text="Preference optimization shows your AI model two answers and which of them people like better:",
        points=(
            ("INPUT:", "User questions or requests"),
            ("PREFERRED:", "The answer to give more often"),
            ("REJECTED:", "The answer to give less often"),
        ),
        example=(
            ("INPUT:", '"How long do refunds take?"'),
            ("PREFERRED:", '"Five working days; you get an email when we book it."'),
            ("REJECTED:", '"A few days."'),
        ),
    ),
    Objective.RFT: Lesson(
        title="What is Reinforcement Fine-Tuning?",
        text="Reinforcement fine-tuning lets your AI model answer each prompt several times, and a grader scores it:",
        points=(
            ("INPUT:", "User questions or requests"),
            ("ITEM:", "What the grader compares with, such as a reference answer"),
            ("REWARD:", "The grader's score; what scores better than its neighbours becomes likelier"),
        ),
        example=(
            ("INPUT:", '"What is 6 × 7?"'),
            ("ITEM:", "reference_answer: 42"),
            ("REWARD:", "“It is 42.” → 1, “It is 48.” → 0"),
        ),
    ),
}


def teaching_box(objective: Objective = Objective.SFT) -> None:
    lesson = LESSONS[objective]
    with box("ts-teach", "section", label=lesson.title):
        with box("ts-teach-title"):
            emoji("💡", "bulb")
            heading(lesson.title, 3)
        Text("p", lesson.text)
        with box("ts-list", "ul"):
            for term, text in lesson.points:
                _point(term, text)
        Text("p", "Example:", "ts-strong")
        with box("ts-example"):
            for term, text in lesson.example:
                _line(term, text)


def _point(term: str, text: str) -> None:
    with box("", "li"):
        Text("strong", term)
        Text("span", f" {say(text)}")


def _line(term: str, text: str) -> None:
    Text("span", term, "ts-tag")
    Text("span", text)
