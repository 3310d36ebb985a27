"""A card to choose: a native radio button in a label, so arrow keys, Tab and screen readers work by themselves."""

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import ui

from ui.components.text import Text, box, emoji, icon
from ui.texts import say


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    value: str
    title: str
    text: str
    badge: str = ""
    #: The suffix of the badge's class: its colour.
    tone: str = "violet"
    points: tuple[str, ...] = ()
    points_title: str = ""
    star: bool = False
    warning: bool = False
    is_coming: bool = False
    #: Why it cannot be chosen here.
    obstacle: str = ""

    @property
    def is_closed(self) -> bool:
        return self.is_coming or bool(self.obstacle)


def choice_card(
    group: str, choice: Choice, *, chosen: bool, on_pick: Callable[[str], None] | None = None
) -> list[Text]:
    """The points, whose words may change later."""
    with box(f"ts-choice ts-tone-{choice.tone}", "label").classes("ts-coming" if choice.is_closed else ""):
        _radio(group, choice, chosen=chosen, on_pick=on_pick)
        with box("ts-choice-head"):
            if choice.star:
                emoji("⭐", "star")
            Text("span", choice.title, "ts-choice-title")
            if choice.badge:
                with Text("span", choice.badge, f"ts-badge ts-badge-{choice.tone}"):
                    if choice.warning:
                        emoji("⚠️", "warning")
            if choice.is_coming:
                Text("span", "Coming", "ts-badge ts-badge-grey")
            with box("ts-choice-mark"):
                icon("check")
        Text("p", choice.text, "ts-choice-text")
        if choice.obstacle:
            Text("p", choice.obstacle, "ts-choice-obstacle")
        if choice.points_title:
            Text("span", choice.points_title, "ts-choice-points-title")
        if not choice.points:
            return []
        with box("ts-list", "ul"):
            return [Text("li", point) for point in choice.points]


def _radio(group: str, choice: Choice, *, chosen: bool, on_pick: Callable[[str], None] | None) -> None:
    radio = ui.element("input").classes("ts-choice-input").mark(f"{group}-{choice.value}")
    radio.props(f"type=radio name={group} value={choice.value}")
    sentences = (choice.title, "Coming" if choice.is_coming else "", choice.text, choice.obstacle)
    radio.props["aria-label"] = ". ".join(say(sentence) for sentence in sentences if sentence)
    if chosen:
        radio.props("checked")
    if choice.is_closed:
        radio.props("disabled")
    elif on_pick:
        pick = on_pick
        radio.on("change", lambda: pick(choice.value), [])
