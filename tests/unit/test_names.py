"""Names are what people type; what is stored goes by id. Any text comes back as it was, and never becomes a path."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.people import Actor
from core.studio import Studio
from storage.jobs import Query
from storage.spec import JobSpec

ALICE = Actor("Alice", "alice@example.org")
NASTY = (
    "../../etc/passwd",
    "a\x00b",
    "CON",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "x" * 120,
    "Ünï 📦",
    "' OR 1=1 --",
)
#: Everything that JSON and SQLite can hold: no half of a surrogate pair.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_is_a_name(studio: Studio, asked: JobSpec, name: str) -> None:
    job = studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=ALICE)
    assert studio.runs.get(job.id).display_name == name
    assert studio.runs.run_spec(job.id).asked.display_name == name
    assert [path.name for path in studio.home.runs.iterdir()] == [job.id]


@pytest.mark.parametrize("name", NASTY)
def test_a_datasets_name_is_no_path(studio: Studio, examples: Path, name: str) -> None:
    dataset = studio.datasets.add(examples, name=name, actor=ALICE)
    assert [path.name for path in studio.home.datasets.iterdir() if not path.name.startswith(".")] == [dataset.id]
    assert dataset.id.isascii()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=TEXTS)
def test_any_text_can_be_searched_for(studio: Studio, words: str) -> None:
    assert studio.runs.search(Query(search=words)).rows == ()


@given(job_id=TEXTS.filter(lambda text: not text.isascii() or "/" in text or "." in text))
def test_an_id_that_could_be_a_path_is_refused(job_id: str) -> None:
    with pytest.raises(ValidationError):
        JobSpec(model="tiny", dataset="d", job_id=job_id)
