"""The words of the pages: written in English where they are used, listed in `locales/en.json`, translated in one place.

A translation is a copy of that list with other words at the right (`locales/de.json`). Whatever passes through `Text`,
`heading`, `link` and `Button` is looked up as it is drawn, so pages keep their English; a sentence with values in it is
looked up with `say`. `scripts/texts` writes the list. Not covered yet: sentences of the core, hints inside fields,
labels for screen readers, and what `static/*.js` says.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from core.errors import BadInput

LOCALES = Path(__file__).parent / "locales"
VARIABLE = "TUNESMITH_LANGUAGE"
SOURCE = "en"

_words: dict[str, str] = {}


def use(words: Mapping[str, str]) -> None:
    """From now on, for every page that is drawn: English → what is shown."""
    _words.clear()
    _words.update(words)


def chosen() -> dict[str, str]:
    """What the environment asks for. Raises BadInput where there is no such translation."""
    asked = os.environ.get(VARIABLE, SOURCE)
    known = sorted(path.stem for path in LOCALES.glob("*.json"))
    if asked not in known:
        raise BadInput(f"{VARIABLE} is “{asked[:80]}”; there is {', '.join(known)}. Set it to one of these.")
    found: dict[str, str] = json.loads((LOCALES / f"{asked}.json").read_text())
    return {text: shown for text, shown in found.items() if shown and shown != text}


def say(text: str, **values: object) -> str:
    """`say("{count} chosen", count=3)`. A text that the translation lacks stays English."""
    shown = _words.get(text, text)
    return shown.format(**values) if values else shown
