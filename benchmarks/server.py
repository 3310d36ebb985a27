"""The web process: start to first byte, memory with three pages open, and proof that torch is not in it.

.venv/bin/python benchmarks/server.py [--starts 5]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from chromium import launch_options
from served import ServedStudio

PAGES = ("/dashboard/fine-tuning", "/dashboard/fine-tuning/create", "/dashboard/fine-tuning")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--starts", type=int, default=5)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        server = ServedStudio(Path(work) / "home")
        # The first start writes the database and begins to convert the starter model.
        server.start()
        server.stop()
        seconds = []
        for _ in range(asked.starts):
            began = time.monotonic()
            server.start()
            seconds.append(time.monotonic() - began)
            server.stop()
        print(f"start to first byte: median {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s")
        server.start()
        measure_pages(server)
        server.stop()


def measure_pages(server: ServedStudio) -> None:
    assert server.process
    process = psutil.Process(server.process.pid)
    with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
        for path in PAGES:
            page = browser.new_page()
            page.goto(server.url + path)
            page.wait_for_function("window.did_handshake === true")
        time.sleep(2)
        print(f"RSS with {len(PAGES)} pages open: {process.memory_info().rss / 1024**2:.0f} MB")
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    print(f"torch mapped into the web process: {'libtorch' in maps}")


if __name__ == "__main__":
    main()
