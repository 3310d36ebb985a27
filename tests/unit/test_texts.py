"""The list of the pages' texts, and what a translation of it does."""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BadInput
from core.sentence import Sentence
from ui import texts
from ui.texts import LOCALES, PLURAL, VARIABLE, chosen, say, use

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


def test_a_count_takes_its_form_and_a_translation_may_have_more_forms_than_english() -> None:
    row = "{count:,} row | {count:,} rows"
    assert [say(row, count=count) for count in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]
    use({row: "{count} wiersz | {count} wiersze | {count} wierszy", PLURAL: "n==1 ? 0 : n>=2 && n<=4 ? 1 : 2"})
    assert [say(row, count=count) for count in (1, 3, 5)] == ["1 wiersz", "3 wiersze", "5 wierszy"]
    use({row: "{count} 行", PLURAL: "0"})
    assert say(row, count=1) == "1 行"


def test_a_sentence_of_core_reads_as_english_and_is_said_in_the_language_in_use() -> None:
    inner = Sentence("{name} is gone.", name="{job} | Settings")
    outer = BadInput(Sentence("Nothing was done: {reason}", reason=inner))
    assert str(outer) == "Nothing was done: {job} | Settings is gone."
    use(
        {
            "Nothing was done: {reason}": "Nichts geschah: {reason}",
            "{name} is gone.": "{name} ist fort.",
            "Settings": "x",
        }
    )
    assert say(str(outer)) == "Nichts geschah: {job} | Settings ist fort."
    assert str(pickle.loads(pickle.dumps(outer))) == str(outer)


def test_english_needs_no_translation_and_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen() == {}
    monkeypatch.setenv(VARIABLE, "../en")
    with pytest.raises(BadInput, match="there is en"):
        texts.chosen()


def test_every_text_of_the_list_is_its_own_english() -> None:
    listed = json.loads((LOCALES / "en.json").read_text())
    assert len(listed) > 500
    assert all(text == shown for text, shown in listed.items())
