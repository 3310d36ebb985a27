"""Pages in another language: in an invented one, in which every listed text is bracketed, nothing stays English."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from nicegui import Client, ui
from nicegui.testing import User

from ui import routes
from ui.texts import LOCALES, use

VALUE = re.compile(r"(\{\w*(?::[^{}]*)?\})")
#: What of an element's properties is read by people.
READ = ("label", "placeholder", "aria-label", "title", "hint", "suffix", "prefix", "error-message", "words", "pages")
#: What is data, or the same in every language: names, addresses, ids, figures with their units, dates.
DATA = re.compile(
    r"""
    \{\w+\} | \bv?\d[\d.,]*(?:e-?\d+)?\s?(?:B|KB|MB|GB|TB|ms|min|s|h|K|M|x)?\b
    | \b(?:Tunesmith|Alice|Nobody|Tiny|tiny|greetings|apache|Calm|Bold|MIT|Apache)\b
    | [\w.+-]+@[\w.-]+ | [\w~.-]*/[\w./~%-]+ | https?://\S+
    | \b\w+[-_.]\w[\w.-]*\b
    | \b[\da-f]{8,}\b | \b(?=\w*\d)(?=\w*[a-z])\w{13}\b
    | \b\d*\s?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b | \bCPU\b
    | \b(?:Hello|Hi)\s\d+ | \bCtrl\sK\b
    """,
    re.VERBOSE,
)


@pytest.fixture
def invented() -> Iterator[None]:
    """A language in which every text stands in brackets. Named after `user`, which begins with English."""
    use({text: bracketed(text) for text in json.loads((LOCALES / "en.json").read_text())})
    yield
    use({})


def bracketed(text: str) -> str:
    """`{count} chosen` becomes `{count}⟦ chosen⟧`: values stay outside, so that a word among them is found too."""
    forms = (VALUE.split(form) for form in text.split(" | "))
    return " | ".join(
        "".join(f"⟦{part}⟧" if at % 2 == 0 and part else part for at, part in enumerate(form)) for form in forms
    )


def english(client: Client) -> set[str]:
    """Whatever is drawn, or told to a screen reader, with words outside the brackets that are not data."""
    left = set()
    for text in drawn(client):
        outside = DATA.sub("", re.sub(r"⟦[^⟦⟧]*⟧", "", text))
        if re.search(r"[A-Za-z]{2,}", outside):
            left.add(text)
    return left


def drawn(client: Client) -> Iterator[str]:
    for element in list(client.elements.values()):
        if element.tag in ("script", "style"):
            continue
        if element._text:
            yield element._text
        for key in READ:
            yield from strings(element._props.get(key))
        if isinstance(element, ui.select):
            yield from strings([option["label"] for option in element._props["options"]])
        if isinstance(element, ui.table):
            yield from strings([[column["label"] for column in element.columns], element.rows])
        if isinstance(element, ui.plotly):
            yield from strings(
                [trace.get(key) for trace in element.figure["data"] for key in ("name", "hovertemplate")]
            )
        for slot in element.slots.values():
            yield from of_template(slot.template or "")


def of_template(template: str) -> Iterator[str]:
    """The words of a Vue template: between its tags, and in attributes that are read."""
    yield from re.findall(
        r"\b(?:aria-label|data-label|title|placeholder)=\"([^\"]*)\"", re.sub(r":[\w-]+=\"[^\"]*\"", "", template)
    )
    yield from (re.sub(r"\{\{.*?\}\}", "", text) for text in re.findall(r">([^<>]+)<", template))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            if key not in ("icon", "href", "tone", "url", "clone_url", "pill", "ask", "name", "id", "field"):
                yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


@pytest.mark.parametrize(
    "address", [routes.jobs("reinforcement"), routes.datasets("preference"), routes.models("custom"), routes.COMPARE]
)
async def test_nothing_on_the_page_stays_english(user: User, invented: None, address: str) -> None:
    await user.open(address)
    assert english(user.client) == set()
