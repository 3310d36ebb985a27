"""The wizard by keyboard alone, from the jobs list to Create. Wherever the keys lead, the focus can be seen."""

import pytest
from chromium import visit
from playwright.sync_api import Page, expect
from served import ServedStudio

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: More presses of Tab than any page of the wizard has stops.
MOST_STOPS = 120
#: What has the focus, and whether an outline or a field's own border shows it.
FOCUSED = """() => {
  const element = document.activeElement;
  const box = element.getBoundingClientRect();
  const looks = [element, element.closest(".q-field, .q-checkbox, .ts-choice, .ts-zone, .ts-picker")].filter(Boolean);
  const ring = (one) => ["", "::after"].some((part) => getComputedStyle(one, part).outlineStyle !== "none")
    || one.classList.contains("q-field--focused");
  return {
    name: element.getAttribute("aria-label") || element.labels?.[0]?.innerText || element.innerText || element.id || "",
    isOnScreen: box.bottom > 0 && box.top < innerHeight,
    isShown: element.tabIndex < 0 || looks.some(ring),  // a dialog that has just opened holds the focus itself
  };
}"""


def test_the_wizard_is_finished_by_keyboard_alone(page: Page, seeded_server: ServedStudio) -> None:
    visit(page, f"{seeded_server.url}/dashboard/fine-tuning")
    tab_to(page, "Fine-tune a Model")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "Supervised (SFT)")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    tab_to(page, "Continue")
    page.keyboard.press("Enter")
    page.wait_for_url("**/create?*")
    page.wait_for_function("window.did_handshake === true")

    # The model, out of the dropdown; the method, by arrows.
    tab_to(page, "Base model")
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Search models")).to_be_focused()
    page.keyboard.type("hollow")
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Search models")).to_be_hidden()
    expect(page.get_by_role("button", name="Base model")).to_contain_text("Hollow")
    tab_to(page, "LoRA (Recommended)")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="Prefix Tuning Parameters")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("heading", name="LoRA Parameters", exact=True)).to_be_visible()
    tab_to(page, "Next")
    page.keyboard.press("Enter")
    focus_is_on_the_head_of(page, "Dataset")

    # The dataset: typed, and chosen by arrows; the evaluation likewise.
    tab_to(page, "Select Dataset")
    page.keyboard.type("Customer")
    expect(page.get_by_role("option", name="Customer Support Starter")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The first 3 of 150 pairs")).to_be_visible()
    tab_to(page, "Evaluation")
    page.keyboard.press("Space")
    expect(page.get_by_role("option", name="Do not use a validation dataset")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Evaluation")).to_have_value("Do not use a validation dataset")
    tab_to(page, "Next")
    page.keyboard.press("Enter")
    focus_is_on_the_head_of(page, "Optional Settings")

    # Back loses nothing; a number, a box, and Create.
    tab_to(page, "Epochs")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    tab_to(page, "Turbo Mode")
    page.keyboard.press("Space")
    tab_to(page, "Back")
    page.keyboard.press("Enter")
    focus_is_on_the_head_of(page, "Dataset")
    tab_to(page, "Next")
    page.keyboard.press("Enter")
    focus_is_on_the_head_of(page, "Optional Settings")
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("2")
    expect(page.get_by_role("checkbox", name="Turbo Mode")).to_be_checked()
    tab_to(page, "Create")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/fine-tuning/supervised/*")
    expect(page.get_by_role("heading", name="Job Details")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Every stop on the way can be seen."""
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        page.wait_for_timeout(20)  # the browser scrolls to it
        focused = page.evaluate(FOCUSED)
        assert focused["isShown"], f"the focus on {focused['name']!r} cannot be seen"
        assert focused["isOnScreen"], f"{focused['name']!r} has the focus off screen"
        if focused["name"].strip().startswith(name):
            return
        passed.append(focused["name"].strip()[:40])
    raise AssertionError(f"Tab never came to {name!r}, but to {passed}")


def focus_is_on_the_head_of(page: Page, step: str) -> None:
    page.wait_for_function(
        "(step) => document.activeElement.classList.contains('ts-step-head')"
        " && document.activeElement.innerText.includes(step)",
        arg=step,
    )


def test_arrow_keys_move_through_a_menu(page: Page, seeded_server: ServedStudio) -> None:
    visit(page, f"{seeded_server.url}/dashboard/fine-tuning/supervised/done-1")
    page.get_by_role("button", name="Actions").press("Enter")
    page.wait_for_function("document.activeElement.closest('.q-menu')")
    entries = page.get_by_role("menuitem")
    page.keyboard.press("ArrowDown")
    expect(entries.first).to_be_focused()
    page.keyboard.press("ArrowUp")  # from the first to the last
    expect(entries.last).to_be_focused()
