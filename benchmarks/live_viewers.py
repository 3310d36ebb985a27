"""Twenty people watch one job live, five click about: how long a click takes until the page shows what it asked for.

    .venv/bin/python benchmarks/live_viewers.py [--viewers 20] [--drawing 0] [--people 5] [--rounds 10] [--hz 2]

The viewers are `viewers.py`: clients of the whole protocol that draw nothing, because in life each draws on a machine
of its own; `--drawing` adds Chromium pages that do, here. Those who click are Chromium pages. A run folder is written
by hand, as a trainer would write it. A click's time is taken inside its page, from the click to the first frame in
which the wanted state is there.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from live_job import live_job, opened
from playwright.sync_api import Browser, Page
from served import ServedStudio

from storage.event_log import EventWriter
from storage.events import Metric, Phase

#: Milliseconds until the wanted thing is there; it is looked for once a frame.
CLICKED = """([selector, wanted]) => new Promise((told) => {
    const began = performance.now();
    const is = new Function('return ' + wanted);
    const look = () => is() ? told(performance.now() - began) : requestAnimationFrame(look);
    document.querySelector(selector).click();
    requestAnimationFrame(look);
})"""
BY_LOADING = ", loaded"
LOADED = "() => { const [load] = performance.getEntriesByType('navigation'); return load.domContentLoadedEventEnd; }"

WIZARD = "/dashboard/fine-tuning/create?objective=sft&step=1"
#: What is clicked → by which selector, and what is then true of the page: each needs the server's answer.
STEP = ("[aria-controls=step-body-{0}]", "document.querySelector('#step-body-{0}').checkVisibility()")
CARD = (
    "input[type=radio][value={0}]",
    "[...document.querySelectorAll('h3')].some((one) => one.checkVisibility() && one.textContent.startsWith('{1}'))",
)
CLICKS = (
    ("a step of the wizard", STEP, ("2",)),
    ("a step of the wizard", STEP, ("3",)),
    ("a step of the wizard", STEP, ("1",)),
    ("a method's card", CARD, ("prefix", "Prefix")),
    ("a method's card", CARD, ("lora", "LoRA")),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--viewers", type=int, default=20)
    arguments.add_argument("--drawing", type=int, default=0)
    arguments.add_argument("--people", type=int, default=5)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--hz", type=float, default=2.0)
    asked = arguments.parse_args()
    with live_job() as job:
        drawing = [opened(job.browser, job.address) for _ in range(asked.drawing)]
        with watched(job.address, asked.viewers), trained(job.events, asked.hz), spent(job.server):
            clicks = click_about(job.browser, job.server.url, job.address, asked.people, asked.rounds)
        for page in drawing:
            page.close()
    for what, times in clicks.items():
        tell(what, times)
    tell("all clicks", [each for what, times in clicks.items() if BY_LOADING not in what for each in times])


@contextmanager
def watched(address: str, count: int) -> Iterator[None]:
    """So many viewers as long as the block runs; then what arrived at them."""
    command = [sys.executable, str(Path(__file__).with_name("viewers.py")), address, str(count)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    child.stdout.readline()
    yield
    arrived = json.loads(child.communicate("\n")[0].splitlines()[-1])
    if count:
        print(f"{count} viewers: {min(arrived['extensions'])} to {max(arrived['extensions'])} times new points each")


@contextmanager
def trained(events: EventWriter, hz: float) -> Iterator[None]:
    """Points are appended as long as the block runs."""
    over = threading.Event()

    def append() -> None:
        events.append(Phase(name="training", total=100_000, epochs=1))
        step = 0
        while not over.wait(1 / hz):
            step += 1
            values = {
                "loss": 1 / step,
                "learning_rate": 1e-4 / step,
                "grad_norm": 1 + 1 / step,
                "tokens_per_second": 900 + 50 * (step % 7),
                "step_seconds": 1.5 + 0.1 * (step % 5),
                "memory_bytes": 2e9 + 1e6 * step,
            }
            events.append(Metric(step=step, epoch=step / 100_000, values=values))

    thread = threading.Thread(target=append)
    thread.start()
    yield
    over.set()
    thread.join()


@contextmanager
def spent(server: ServedStudio) -> Iterator[None]:
    """The server's part of one core while the block runs."""
    assert server.process
    process = psutil.Process(server.process.pid)
    began, before = time.monotonic(), sum(process.cpu_times()[:2])
    yield
    share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    print(f"the studio took {share:.0%} of a core")


def click_about(browser: Browser, url: str, job: str, people: int, rounds: int) -> dict[str, list[float]]:
    pages = [opened(browser, url + WIZARD) for _ in range(people)]
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for page in pages:
            for what, milliseconds in clicked(page):
                times.setdefault(what, []).append(milliseconds)
    for page in pages:
        for what, address in {"jobs list": f"{url}/dashboard/fine-tuning", "job page": job}.items():
            page.goto(address)
            page.wait_for_function("window.did_handshake === true")
            times.setdefault(f"{what}{BY_LOADING}", []).append(page.evaluate(LOADED))
    return times


def clicked(page: Page) -> Iterator[tuple[str, float]]:
    for what, (selector, wanted), names in CLICKS:
        yield what, page.evaluate(CLICKED, [selector.format(*names), wanted.format(*names)])


def tell(what: str, times: list[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[int(0.95 * len(ordered))]
    p50, longest = statistics.median(ordered), ordered[-1]
    print(f"{what:24} n {len(ordered):4}  p50 {p50:5.0f} ms  p95 {p95:5.0f}  max {longest:5.0f}")


if __name__ == "__main__":
    main()
