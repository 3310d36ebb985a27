"""Words in the right HTML element: headings, paragraphs, and icons that screen readers skip."""

import json

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from ui.texts import say


class Text(TextElement):
    """`Text("h1", "Fine-Tuning Jobs")`."""

    def __init__(self, tag: str, text: str, classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)

    def _text_to_model_text(self, text: str) -> None:
        """What is drawn. `text` itself stays English."""
        super()._text_to_model_text(say(text))


def box(classes: str, tag: str = "div", *, label: str = "") -> ui.element:
    """A container that is nothing but its class: `with box("ts-card"): …`. `label` is what a screen reader says."""
    element = ui.element(tag).classes(classes)
    if label:
        element.props["aria-label"] = say(label)
    return element


def aria(label: str) -> str:
    """For an element of NiceGUI's own: `ui.dialog().props(aria("Edit details"))`."""
    return f"aria-label={json.dumps(say(label), ensure_ascii=False)}"


def icon(name: str) -> ui.element:
    """An icon of the stylesheet; decoration, so it needs words beside it or a label around it."""
    return ui.element("i").classes(f"ts-icon ts-i-{name}").props("aria-hidden=true")


def emoji(character: str, name: str) -> Text:
    """Drawn by the stylesheet, so that it looks the same where the system has no emoji font; the text stays."""
    return Text("span", character, f"ts-emoji ts-emoji-{name}")


def link(text: str, href: str, classes: str = "ts-link") -> Text:
    """`href` is one of our own paths, never text that a user has typed."""
    element = Text("a", text, classes)
    element.props["href"] = href
    return element


def heading(text: str, level: int) -> Text:
    """A heading whose size comes from its level."""
    return Text(f"h{level}", text, f"ts-h{level}")
