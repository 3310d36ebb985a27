"""From the trainer's append to the point in Chromium's chart.

    .venv/bin/python benchmarks/live_latency.py [--points 200] [--hz 2]

A run folder is written by hand, as a trainer would write it; the page is a real job page. Trainer and browser share
this machine's clock: the browser notes when it sees a step in the trace that Plotly has drawn.
"""

import argparse
import statistics
import time

from live_job import live_job, opened
from playwright.sync_api import Page

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
    with live_job() as job:
        page = opened(job.browser, job.address)
        page.wait_for_selector(".js-plotly-plot .main-svg")
        page.evaluate(SEEN)
        delays = sorted(measure(page, job.events, asked.points, asked.hz))
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
