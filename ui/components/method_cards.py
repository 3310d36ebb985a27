"""The five ways to change a model's weights, as cards of one radio group. Figures follow the model and parameters."""

from collections.abc import Callable, Mapping

from core.method_figures import Figures
from ui.components.choice_card import Choice, choice_card
from ui.components.method_words import METHOD_WORDS, Words
from ui.components.text import Text, box, heading
from ui.texts import say


class MethodCards:
    """`obstacles` says of a method why it cannot be chosen on this machine."""

    def __init__(
        self, chosen: str, on_pick: Callable[[str], None], obstacles: Mapping[str, str], learns_from: str
    ) -> None:
        heading("Fine-Tuning Method *", 3)
        Text("p", say("Choose how your model will learn from {examples}", examples=say(learns_from)), "ts-muted")
        self._points: dict[str, list[Text]] = {}
        with box("ts-choices ts-choices-methods", label="Fine-Tuning Method").props("role=radiogroup"):
            for kind, words in METHOD_WORDS.items():
                choice = _choice(kind, words, obstacles.get(kind, ""))
                self._points[kind] = choice_card("method", choice, chosen=kind == chosen, on_pick=on_pick)

    def show(self, figures: Mapping[str, Figures]) -> None:
        """Nothing is known of the methods that `figures` leaves out."""
        for kind, points in self._points.items():
            for point, text in zip(points, METHOD_WORDS[kind].points(figures.get(kind)), strict=True):
                point.text = text


def _choice(kind: str, words: Words, obstacle: str) -> Choice:
    return Choice(
        value=kind,
        title=words.title,
        text=words.text,
        badge=words.badge,
        tone=words.tone,
        star=words.star,
        warning=words.warning,
        points=words.points(None),
        obstacle=obstacle,
    )
