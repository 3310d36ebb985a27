"""The words of the pages: written in English where they are used, listed in `locales/en.json`, translated in one place.

A translation is a copy of that list with other words at the right (`locales/de.json`). Whatever passes through `Text`,
`heading`, `link`, `Button` and `box(label=…)` is looked up as it is drawn, so pages keep their English. Everything else
that people read goes through `say`: `say("{count} row | {count} rows", count=3)`. Core's errors and reasons come as
`Sentence`, which remembers its template. `scripts/texts` writes the list out of the code; tests draw the pages in an
invented language and find what is still English.

English remain what is stored as a text (a job's message with values in it, what a run changed, a row's findings, a
deployment's history), what the API, the command line and logs say, numbers, dates and units. What a user has written is
looked up too where it passes through `Text`: a dataset called “Settings” would be translated.
"""

import gettext
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from core.errors import BadInput
from core.sentence import Plural, Sentence, english, filled

LOCALES = Path(__file__).parent / "locales"
VARIABLE = "TUNESMITH_LANGUAGE"
SOURCE = "en"
#: The entry that says which form a count takes, as gettext's catalogues write it: `n != 1`.
PLURAL = "(plural)"

Key = TypeVar("Key")

_words: dict[str, str] = {}
_plural: Plural = english


def use(words: Mapping[str, str]) -> None:
    """From now on, for every page that is drawn: English → what is shown."""
    global _plural
    _words.clear()
    _words.update(words)
    rule = _words.pop(PLURAL, "")
    _plural = gettext.c2py(rule) if rule else english


def chosen() -> dict[str, str]:
    """What the environment asks for. Raises BadInput where there is no such translation."""
    asked = os.environ.get(VARIABLE, SOURCE)
    known = sorted(path.stem for path in LOCALES.glob("*.json"))
    if asked not in known:
        raise BadInput(f"{VARIABLE} is “{asked[:80]}”; there is {', '.join(known)}. Set it to one of these.")
    found: dict[str, str] = json.loads((LOCALES / f"{asked}.json").read_text())
    return {text: shown for text, shown in found.items() if shown and shown != text}


def say(text: str, **values: object) -> str:
    """`say("{count} row | {count} rows", count=3)`. A text that the translation lacks stays English."""
    if isinstance(text, Sentence):
        return say(text.template, **text.values)
    if not values:
        return _words.get(text, text)
    return filled(_words.get(text, text), {name: _said(value) for name, value in values.items()}, _plural)


def word(text: str) -> str:
    """Puts a word of a table into the list; it is said where it is drawn. Whole sentences are found without."""
    return text


def said(words: Mapping[Key, str]) -> dict[Key, str]:
    """The choices of a select; or a component's words, whose values the browser fills in (`tsFill`)."""
    return {name: say(text) for name, text in words.items()}


def _said(value: object) -> object:
    """Values are data and stay as they are, but a sentence within a sentence is said too."""
    value = str(value) if isinstance(value, Exception) else value
    return say(value) if isinstance(value, Sentence) else value
