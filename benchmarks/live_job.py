"""What the benchmarks of live pages begin with: a running job written by hand, a studio that serves it, Chromium."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from chromium import launch_options
from served import ServedStudio
from standin import running_job

from storage.event_log import EventWriter


@dataclass(frozen=True, slots=True)
class LiveJob:
    """`events` appends as its trainer would; `address` is the job's page."""

    server: ServedStudio
    browser: Browser
    events: EventWriter
    address: str


@contextmanager
def live_job() -> Iterator[LiveJob]:
    with tempfile.TemporaryDirectory() as work, running_job(Path(work) / "home") as job:
        server = ServedStudio(Path(work) / "home", "--no-starter")
        server.start()
        address = f"{server.url}/dashboard/fine-tuning/supervised/{job.folder.job_id}"
        with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
            yield LiveJob(server, browser, job.events, address)
        server.end()


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_function("window.did_handshake === true")
    return page
