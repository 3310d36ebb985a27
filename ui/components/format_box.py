"""💡 The format of a kind of dataset: what a row shows, an example, and who says what."""

from ui.components.copy_button import copy_button
from ui.components.text import Text, box, emoji, heading
from ui.kinds import UploadWords
from ui.texts import say


def format_box(words: UploadWords) -> None:
    with box("ts-teach", "section") as section:
        section.props["aria-label"] = say(words.format_title)
        with box("ts-teach-title"):
            emoji("💡", "bulb")
            heading(words.format_title, 2)
        Text("p", words.format_line)
        Text("p", words.example_title, "ts-strong")
        with box("ts-code"):
            Text("pre", words.example, "ts-code-text").props("tabindex=0")
            copy_button(words.example, "example")
        Text("p", "Format Clarity:", "ts-strong")
        with box("ts-list", "ul"):
            for term, meaning in words.clarity:
                with box("", "li"):
                    Text("strong", term)
                    Text("span", f" = {say(meaning)}")
