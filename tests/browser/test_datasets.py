"""Datasets in Chromium: a dropped file survives a cut connection, is mended by a button, and is trained on."""

import re
from pathlib import Path

import pytest
from chromium import visit
from playwright.sync_api import Page, Route, expect
from served import ServedStudio

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Two and a half chunks of rows; the third row has no answer, the fifth is half a line.
DROP = """(zone) => {
  const answer = (number) => `Answer ${number} `.padEnd(900, "x");
  const row = (_, number) => JSON.stringify({prompt: `Question ${number}`, completion: answer(number)});
  const rows = Array.from({length: 11000}, row);
  rows[2] = JSON.stringify({prompt: "Question 2", completion: ""});
  rows[4] = '{"prompt": "Question 4", "compl';
  const dropped = new DataTransfer();
  dropped.items.add(new File([rows.join("\\n")], "support tickets.jsonl"));
  zone.dispatchEvent(new DragEvent("dragenter", {bubbles: true, dataTransfer: dropped}));
  zone.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: dropped}));
}"""
SECONDS = 1000


def come_in(page: Page, server: ServedStudio) -> None:
    """Whenever the first visit's question comes up, it is answered."""
    welcome = page.get_by_role("button", name="Looks right")
    page.add_locator_handler(welcome, lambda: welcome.click())
    visit(page, server.url)


def arrive(page: Page, url: str) -> None:
    """A page that the last click leads to, ready for the next one."""
    page.wait_for_url(url)
    page.wait_for_function("window.did_handshake === true")


def test_a_dropped_file_survives_a_cut_is_mended_and_trained_on(page: Page, server: ServedStudio) -> None:
    come_in(page, server)
    page.get_by_role("link", name="Datasets", exact=True).click()
    arrive(page, "**/dashboard/datasets*")
    page.get_by_role("link", name="Upload Labeled Examples").click()
    arrive(page, "**/dashboard/datasets/upload*")

    # The connection is cut in the middle, twice; what had arrived is not sent again.
    sent: list[str] = []

    def on_chunk(route: Route) -> None:
        offset = route.request.url.rpartition("offset=")[2]
        sent.append(offset)
        if offset != "0" and sent.count(offset) <= 2 and len(sent) <= 3:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/*?offset=*", on_chunk)
    page.locator(".ts-zone").evaluate(DROP)
    expect(page.get_by_text("The connection was cut.")).to_be_visible(timeout=30 * SECONDS)
    expect(page.get_by_role("button", name="Import")).to_be_visible(timeout=60 * SECONDS)
    first, *others = sent
    assert first == "0"
    assert "0" not in others
    assert len(others) == len(set(others)) + 2

    # What it is, and the import with its progress.
    expect(page.get_by_text("What the first 5 rows become")).to_be_visible()
    expect(page.get_by_label("Dataset name")).to_have_value("support tickets")
    page.get_by_role("button", name="Import").click()
    arrive(page, "**/dashboard/datasets/ds-*")

    # What was found, and a new version without it.
    expect(page.get_by_text("2 rows with errors: to be dropped")).to_be_visible()
    page.get_by_role("button", name="Drop 2 rows with errors").click()
    expect(page.get_by_text("− Row 3", exact=False)).to_be_visible()
    page.get_by_role("button", name="Make the new version").click()
    arrive(page, "**tab=versions")
    expect(page.get_by_text("What version 2 changed of version 1")).to_be_visible()
    expect(page.get_by_text("10,998 pairs").first).to_be_visible()

    # The job page's wizard knows it.
    page.get_by_role("link", name="Start Training Job").click()
    arrive(page, "**/create?**dataset=ds-*")
    page.get_by_role("button", name="Dataset", exact=False).first.click()
    expect(page.get_by_text("The first 3 of 10,998 pairs")).to_be_visible()


@pytest.mark.parametrize(
    ("file", "kind", "shown"),
    [
        ("alpaca.jsonl", "Supervised", "Bonjour"),
        ("preferences.jsonl", "Preference", "REJECTED"),
        ("word-problems.jsonl", "Reinforcement", "ITEM"),
    ],
)
def test_the_three_usual_shapes_are_imported(
    page: Page, server: ServedStudio, file: str, kind: str, shown: str
) -> None:
    come_in(page, server)
    visit(page, f"{server.url}/dashboard/datasets/upload?kind={kind.lower()}")
    with page.expect_file_chooser() as chooser:  # by keyboard alone
        page.get_by_role("button", name="Choose a file").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(EXAMPLES / file)
    expect(page.get_by_text(shown, exact=True).first).to_be_visible(timeout=30 * SECONDS)
    expect(page.get_by_text(f"✓ {kind}")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    arrive(page, "**/dashboard/datasets/ds-*")
    expect(page.get_by_text("Every row is fine")).to_be_visible()
    expect(page.get_by_text(shown, exact=True).first).to_be_visible()


def test_an_upload_that_its_page_did_not_finish_is_taken_up_again(
    page: Page, server: ServedStudio, tmp_path: Path
) -> None:
    path = tmp_path / "large.jsonl"
    path.write_bytes(b'{"prompt": "Hello", "completion": "Hi"}\n' * 250_000)
    upload_page = f"{server.url}/dashboard/datasets/upload"
    come_in(page, server)
    visit(page, upload_page)
    page.route(re.compile("offset=[1-9]"), lambda route: route.abort())
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("The connection was cut.")).to_be_visible(timeout=30 * SECONDS)

    visit(page, upload_page)
    page.unroute_all()
    expect(page.get_by_text("large.jsonl was not finished")).to_be_visible()
    offsets: list[str] = []
    page.on("request", lambda request: offsets.append(request.url) if request.method == "PUT" else None)
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("button", name="Import")).to_be_visible(timeout=60 * SECONDS)
    assert not any(url.endswith("offset=0") for url in offsets)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
