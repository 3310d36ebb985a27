"""Fixtures of the browser tier: a real Chromium in front of a real server that trains for real."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from chromium import launch_options
from playwright.sync_api import Browser, Page, expect, sync_playwright
from seeded import seeded
from served import ServedStudio

# Playwright's 5 s are too few beside another test that trains.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStudio]:
    """A studio on an empty data folder, started as `scripts/run` starts it."""
    server = ServedStudio(tmp_path_factory.mktemp("studio") / "home")
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def seeded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStudio]:
    """A studio on a data folder with one of everything."""
    with seeded(tmp_path_factory.mktemp("studio") / "home") as home:
        server = ServedStudio(home.path)
        server.start()
        yield server
        server.end()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desktop page; anything the browser calls an error fails the test, and so does a request to another machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    asked: set[str | None] = set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    yield page
    context.close()
    assert errors == []
    assert asked <= {"127.0.0.1", None}, "Everything a page needs comes from the studio: it works offline."
