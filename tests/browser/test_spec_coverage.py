"""Every line of the specifications on its page, in Chromium; and what axe-core says of it, by day, night and phone."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import visit
from playwright.sync_api import Browser, Locator, Page
from served import ServedStudio
from spec_lines import Line, State, states

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PATIENCE_S = 20
#: Half a fade is no contrast. What an opaque dialog covers is no ground of its text: where two lines of one cover
#: different things, axe-core would not judge it.
STILL = """*, *::before, *::after { transition: none !important; animation: none !important; }
  .nicegui-dialog-open #app { visibility: hidden; }"""
PHONE = {"width": 390, "height": 844}
SEVERE = ("serious", "critical")
DIALOG = ".q-dialog, dialog[open]"


@pytest.fixture(scope="module", params=states(), ids=lambda state: state.name)
def visited(
    request: pytest.FixtureRequest, browser: Browser, seeded_server: ServedStudio
) -> Iterator[tuple[State, Page]]:
    """One visit for all that is asked of a page. It has to come through without an error in the browser."""
    state: State = request.param
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    visit(page, seeded_server.url + address(state, seeded_server))
    page.add_style_tag(content=STILL)
    for selector in state.clicks:
        page.locator(selector).filter(visible=True).first.click()
    if state.opens:
        page.locator(state.opens).first.wait_for()
    yield state, page
    context.close()
    assert errors == []


def test_every_line_is_on_its_page(visited: tuple[State, Page]) -> None:
    state, page = visited
    until = time.monotonic() + PATIENCE_S
    missing = list(state.lines)
    while missing and time.monotonic() < until:
        missing = [line for line in missing if not is_there(page, line)]
        page.wait_for_timeout(50)
    assert [str(line) for line in missing] == []


def test_axe_finds_nothing_serious_by_day(visited: tuple[State, Page]) -> None:
    assert findings(visited[1], "light") == []


def test_axe_finds_nothing_serious_by_night(visited: tuple[State, Page]) -> None:
    assert findings(visited[1], "dark") == []


def test_on_a_phone_it_fits_and_axe_finds_nothing_serious(visited: tuple[State, Page]) -> None:
    page = visited[1]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert findings(page, "light") == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    """Without a name and without contrast: the checks above can fail, in an open dialog too."""
    page = browser.new_page()
    wrong = "<button></button><p style='color:#ccc'>Pale</p>"
    for html in (f"<main>{wrong}</main>", f"<main></main><div class=q-dialog role=dialog aria-label=x>{wrong}</div>"):
        page.set_content(f"<html lang=en><title>x</title>{html}")
        assert [found.partition(":")[0] for found in findings(page, "light")] == ["button-name", "color-contrast"]
    page.close()


def address(state: State, seeded_server: ServedStudio) -> str:
    [dataset, *_] = sorted(path.name for path in (seeded_server.home / "datasets").glob("ds-*"))
    return state.open.replace("{dataset}", dataset)


def is_there(page: Page, line: Line) -> bool:
    """Visible, and holding what it should."""
    match line.kind:
        case "address":
            return page.url.endswith(line.name)
        case "style":
            found = page.locator(line.of).first
            return found.count() > 0 and style(found, line.name) == line.is_
        case "field":
            return any(one.input_value() == line.holds for one in seen(page.get_by_label(line.name, exact=True)))
        case "check":
            return any(
                one.is_checked() == (line.holds == "on") for one in seen(page.get_by_role("checkbox", name=line.name))
            )
        case "fact":
            there = page.locator("dt", has_text=line.name).locator("xpath=following-sibling::dd[1]")
            return any(line.holds in (one.text_content() or "") for one in seen(there))  # type: ignore[operator]
        case "seen":
            return any(line.is_ in (one.text_content() or "") for one in seen(page.locator(line.name)))
        case "text" | "part":
            return bool(seen(page.get_by_text(line.name, exact=line.kind == "text")))
        case "placeholder":
            return bool(seen(page.get_by_placeholder(line.name, exact=True)))
        case "column":
            return bool(seen(page.get_by_role("columnheader", name=line.name, exact=True)))
        case role:
            return bool(seen(page.get_by_role(role, name=line.name, exact=True)))  # type: ignore[arg-type]


def seen(found: Locator) -> list[Locator]:
    return found.filter(visible=True).all()


def style(found: Locator, name: str) -> str:
    return str(found.evaluate("(element, name) => getComputedStyle(element).getPropertyValue(name).trim()", name))


def findings(page: Page, scheme: str) -> list[str]:
    """Axe-core's serious and critical ones, with where they are; in a dialog, also contrast that it cannot judge."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    options: dict[str, Any] = {"resultTypes": ["violations", "incomplete"]}
    if scheme == "dark":  # only colours are others by night
        options["runOnly"] = ["color-contrast"]
    dialog = page.locator(DIALOG).count()  # what lies behind cannot be used meanwhile
    response = Axe().run(page, DIALOG if dialog else None, options).response
    told = response["violations"]
    if dialog:
        told += [found for found in response["incomplete"] if found["id"] == "color-contrast"]
    return [
        f"{found['id']}: {found['help']}: " + " | ".join(node["html"][:160] for node in found["nodes"][:5])
        for found in told
        if found["impact"] in SEVERE
    ]
