"""Debian's Chromium as the browser tests, the screenshots and the benchmarks start it."""

import shutil
from typing import Any

from playwright.sync_api import Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def launch_options() -> dict[str, Any]:
    """For `playwright.chromium.launch`; as root Chromium's own sandbox cannot run."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "Chromium is missing: run scripts/test once, or sudo apt-get install chromium"
    return {"executable_path": found, "args": FLAGS}


def visit(page: Page, url: str) -> None:
    page.goto(url)
    # Before the handshake clicks and keys may arrive swapped.
    page.wait_for_function("window.did_handshake === true")
