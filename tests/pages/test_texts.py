"""Pages in another language: what is drawn is translated, with the same pages."""

import json
from collections.abc import Iterator

import pytest
from nicegui.testing import User

from ui import routes
from ui.texts import LOCALES, use


@pytest.fixture
def invented() -> Iterator[None]:
    """A language in which every text stands in brackets. Named after `user`, which begins with English."""
    listed = json.loads((LOCALES / "en.json").read_text())
    use({text: f"⟦{text}⟧" for text in listed})
    yield
    use({})


async def test_pages_are_drawn_in_the_language_that_is_in_use(user: User, invented: None) -> None:
    expected = {
        routes.DASHBOARD: ("Supervised Fine-Tuning", "Start Training Job", "Desired responses", "{count} total"),
        routes.JOBS: ("Fine-Tuning Jobs", "Fine-tune a Model", "Teach a model with your own examples"),
        routes.SETTINGS: ("Profile", "Environment variables", "Save"),
    }
    for address, words in expected.items():
        answer = await user.http_client.get(address)
        for text in words:
            shown = text.replace("{count}", "0")
            assert f"⟦{shown}⟧" in answer.text, text
