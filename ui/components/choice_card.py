"""A card to choose: a native radio button in a label, so arrow keys, Tab and screen readers work by themselves."""

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import ui

from ui.components.text import Text, box, emoji


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


def choice_card(group: str, choice: Choice, *, chosen: bool, on_pick: Callable[[str], None] | None = None) -> None:
    with box("ts-choice", "label").classes("ts-coming" if choice.is_coming else ""):
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
            box("ts-choice-mark")
        Text("p", choice.text, "ts-choice-text")
        if choice.points_title:
            Text("span", choice.points_title, "ts-choice-points-title")
        if choice.points:
            with box("ts-list", "ul"):
                for point in choice.points:
                    Text("li", point)


def _radio(group: str, choice: Choice, *, chosen: bool, on_pick: Callable[[str], None] | None) -> None:
    radio = ui.element("input").classes("ts-choice-input").mark(f"{group}-{choice.value}")
    radio.props(f"type=radio name={group} value={choice.value}")
    radio.props["aria-label"] = f"{choice.title}. {'Coming. ' if choice.is_coming else ''}{choice.text}"
    if chosen:
        radio.props("checked")
    if choice.is_coming:
        radio.props("disabled")
    elif on_pick:
        pick = on_pick
        radio.on("change", lambda: pick(choice.value), [])
