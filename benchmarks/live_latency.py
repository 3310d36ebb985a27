"""From the trainer's append to the point in Chromium's chart.

    .venv/bin/python benchmarks/live_latency.py [--points 200] [--hz 2]

A run folder is written by hand, as a trainer would write it; the page is a real job page. Trainer and browser share
this machine's clock: the browser notes when it sees a step in the trace that Plotly has drawn.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from chromium import launch_options
from served import ServedStudio
from standin import running_job

from storage.event_log import EventWriter
from storage.events import Metric, Phase

SEEN = """() => {
    window.seen = new Map();
    const chart = document.querySelector('.js-plotly-plot');
    const look = () => {
        const trace = (chart.data || [])[0];
        const now = Date.now();
        if (trace) trace.x.forEach((step) => window.seen.has(step) || window.seen.set(step, now));
    };
    chart.on('plotly_afterplot', look);
}"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--points", type=int, default=200)
    arguments.add_argument("--hz", type=float, default=2.0)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work, running_job(Path(work) / "home") as job:
        server = ServedStudio(Path(work) / "home", "--no-starter")
        server.start()
        with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
            page = browser.new_page()
            page.goto(f"{server.url}/dashboard/fine-tuning/supervised/{job.folder.job_id}")
            page.wait_for_function("window.did_handshake === true")
            page.wait_for_selector(".js-plotly-plot .main-svg")
            page.evaluate(SEEN)
            delays = sorted(measure(page, job.events, asked.points, asked.hz))
        server.end()
    p95 = delays[int(0.95 * len(delays))]
    print(
        f"append → chart at {asked.hz:g} Hz: p50 {statistics.median(delays):.0f} ms, p95 {p95:.0f} ms, "
        f"max {delays[-1]:.0f} ms, {len(delays)} of {asked.points} points"
    )


def measure(page: Page, events: EventWriter, points: int, hz: float) -> list[float]:
    events.append(Phase(name="training", total=points, epochs=1))
    appended: dict[int, float] = {}
    for step in range(1, points + 1):
        appended[step] = time.time() * 1000
        events.append(Metric(step=step, epoch=step / points, values={"loss": 1 / step}))
        time.sleep(1 / hz)
    page.wait_for_timeout(1500)
    seen = dict(page.evaluate("() => [...window.seen]"))
    return [seen[step] - at for step, at in appended.items() if step in seen]


if __name__ == "__main__":
    main()
