"""A definition list: what something is, field by field."""

from ui.components.copy_button import copy_button
from ui.components.text import Text, box, link
from ui.texts import say


def fact(term: str, value: str, *, copy: str = "", note: str = "", path: str = "", href: str = "") -> Text:
    """One row, inside `with box("ts-facts", "dl")`; the text of its value. `copy` is what the copy button takes, `note`
    a sentence below it, `path` a place on disk, cut to one line, `href` the page of the thing."""
    with box("ts-fact"):
        Text("dt", term)
        with box("ts-fact-value", "dd"):
            shown = link(value, href) if href else Text("span", value)
            shown.props["title"] = say(value)
            if copy:
                named = say(term)  # English alone writes a title's capitals and not a sentence's
                copy_button(copy, term.lower() if named == term else named)
            if path:
                Text("p", path, "ts-note ts-path").props["title"] = path
            if note:
                Text("p", note, "ts-note")
    return shown
