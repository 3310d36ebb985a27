"""The shell in Chromium: the palette by keyboard alone, the news of an ended job, and the phone's navigation."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import visit
from playwright.sync_api import Browser, Page, expect
from served import ServedStudio
from standin import add_hollow_model, submit

from core.home import Home
from core.studio import Studio

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SIMULATED = {"TUNESMITH_SIMULATED_TRAINER": json.dumps({"steps": 3})}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStudio]:
    """A studio whose trainers are simulated: a job ends within seconds."""
    home = Home(tmp_path_factory.mktemp("shell") / "home")
    home.prepare()
    add_hollow_model(home)
    studio = Studio(home)
    studio.open()
    studio.people.save("Ada", "ada@example.org")
    studio.close()
    server = ServedStudio(home.path, "--no-starter")
    server.start(**SIMULATED)
    yield server
    server.end()


def start_job(home: Path, name: str) -> str:
    studio = Studio(Home(home))
    studio.open()
    job = submit(studio, display_name=name)
    studio.close()
    return job.id


def test_the_palette_is_opened_searched_and_left_by_keyboard(page: Page, server: ServedStudio) -> None:
    visit(page, f"{server.url}/dashboard/datasets")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search and go to")
    field = palette.get_by_role("combobox")
    expect(field).to_be_focused()
    expect(palette.get_by_role("option", name="Dashboard")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")  # from the first to the last, whatever that is
    chosen = palette.locator('[aria-selected="true"]')
    expect(palette.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.type("no such thing")
    expect(palette.get_by_role("status")).to_contain_text("Nothing is called “no such thing”.")
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(field).to_have_value("")
    page.keyboard.type("deploym")
    expect(palette.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/deployments")


def test_an_open_page_says_that_a_job_has_ended_and_leads_to_it(page: Page, server: ServedStudio) -> None:
    visit(page, f"{server.url}/dashboard/models")
    job_id = start_job(server.home, "<b>short</b> run")
    notice = page.locator(f'[data-notice="{job_id}"]')
    expect(notice).to_contain_text("<b>short</b> run is ready to be tried.")
    notice.get_by_role("link", name="Open the job").click()
    page.wait_for_url(f"**/supervised/{job_id}")


def test_the_browser_says_it_too_once_it_is_allowed_to(browser: Browser, server: ServedStudio) -> None:
    context = browser.new_context()
    context.grant_permissions(["notifications"], origin=server.url)
    page = context.new_page()
    visit(page, f"{server.url}/dashboard/settings")
    switch = page.get_by_role("switch", name="Browser notifications when a job ends")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    # A page that is looked at shows its own notice; what is out of sight asks the browser.
    page.evaluate(
        """() => {
             window.said = [];
             window.Notification = class { static permission = "granted"; constructor(...told) { said.push(told); } };
             document.hasFocus = () => false;
           }"""
    )
    job_id = start_job(server.home, "out of sight")
    page.wait_for_function("said.length")
    (told,) = page.evaluate("said")
    assert told == ["Completed: out of sight", {"body": "is ready to be tried.", "tag": job_id}]
    context.close()


def test_on_a_phone_every_main_page_is_a_thumb_away(browser: Browser, server: ServedStudio) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for path in ("", "/fine-tuning", "/datasets", "/models", "/deployments", "/settings"):
        visit(page, f"{server.url}/dashboard{path}")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        main = page.get_by_role("navigation", name="Main")
        expect(main.get_by_role("link")).to_have_count(5)
        for link in main.get_by_role("link").all():
            expect(link).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Search and go to").click()
    expect(page.get_by_role("dialog", name="Search and go to")).to_be_visible()
    context.close()


def test_jobs_are_chosen_in_the_list_pinned_and_compared(page: Page, server: ServedStudio) -> None:
    ids = [start_job(server.home, name) for name in ("chosen one", "chosen two")]
    visit(page, f"{server.url}/dashboard/fine-tuning?q=chosen")
    for name in ("chosen one", "chosen two"):
        box = page.get_by_role("checkbox", name=f"Choose {name}")
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    bar = page.get_by_role("toolbar", name="Chosen jobs")
    expect(bar).to_contain_text("2 chosen")
    page.get_by_role("button", name="Actions for chosen one").click()
    page.get_by_role("menuitem", name="Pin").click()
    expect(page.locator("[data-job]").first).to_contain_text("chosen one")  # before the newer one
    expect(bar).to_contain_text("2 chosen")  # new rows do not undo a choice
    bar.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(re.compile(rf"/dashboard/fine-tuning/compare\?jobs={ids[0]},{ids[1]}"))
    expect(page.get_by_text("chosen two").first).to_be_visible()
