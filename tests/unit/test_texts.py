"""The list of the pages' texts, and what a translation of it does."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BadInput
from ui import texts
from ui.texts import LOCALES, VARIABLE, chosen, say, use

SCRIPT = Path(__file__).parents[2] / "scripts" / "texts"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use({})


def test_the_list_holds_every_text_as_the_pages_have_it() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_what_is_translated_is_said_and_the_rest_stays_english() -> None:
    use({"Settings": "Einstellungen", "{count} chosen": "{count} ausgewählt"})
    assert say("Settings") == "Einstellungen"
    assert say("{count} chosen", count=3) == "3 ausgewählt"
    assert say("Deployments") == "Deployments"
    assert say("{braces} of somebody's dataset") == "{braces} of somebody's dataset"


def test_english_needs_no_translation_and_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen() == {}
    monkeypatch.setenv(VARIABLE, "../en")
    with pytest.raises(BadInput, match="there is en"):
        texts.chosen()


def test_every_text_of_the_list_is_its_own_english() -> None:
    listed = json.loads((LOCALES / "en.json").read_text())
    assert len(listed) > 500
    assert all(text == shown for text, shown in listed.items())
