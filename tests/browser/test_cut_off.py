"""A page whose connection breaks: what happened meanwhile is there when it is back, and only once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import visit
from playwright.sync_api import Page
from served import ServedStudio
from standin import RunningJob, running_job

from storage.events import Metric, Phase

pytestmark = pytest.mark.browser

STEPS = "() => [...document.querySelector('.js-plotly-plot').data[0].x]"
#: The page has the point of this step in its chart.
ARRIVED = "(step) => (document.querySelector('.js-plotly-plot')?.data?.[0].x || []).includes(step)"
#: As a network does it: the page tries again by itself, after a while, and says which message it wants next.
CUT = """() => {
    const {io} = window.socket;
    io.reconnectionDelay(4000);
    io.reconnectionDelayMax(4000);
    io.engine.close();
}"""


@pytest.fixture
def job(tmp_path: Path) -> Iterator[RunningJob]:
    with running_job(tmp_path / "home") as running:
        yield running


@pytest.fixture
def server(job: RunningJob, tmp_path: Path) -> Iterator[ServedStudio]:
    served = ServedStudio(tmp_path / "home", "--no-starter")
    served.start()
    yield served
    served.end()


def watch(page: Page, server: ServedStudio, job: RunningJob) -> None:
    visit(page, f"{server.url}/dashboard/fine-tuning/supervised/{job.folder.job_id}")


def train(job: RunningJob, *steps: int) -> None:
    for step in steps:
        job.events.append(Metric(step=step, epoch=step / 100, values={"loss": 1 / step}))


@pytest.fixture
def watched(server: ServedStudio, job: RunningJob, page: Page) -> Page:
    """The job's page, with the first two points drawn."""
    watch(page, server, job)
    job.events.append(Phase(name="training", total=100, epochs=1))
    train(job, 1, 2)
    page.wait_for_function(ARRIVED, arg=2)
    page.evaluate("window.stays = true")
    return page


def test_what_came_while_the_connection_was_broken_is_drawn_once(
    watched: Page, server: ServedStudio, job: RunningJob
) -> None:
    witness = watched.context.new_page()
    watch(witness, server, job)
    watched.evaluate(CUT)
    train(job, 3, 4, 5)
    witness.wait_for_function(ARRIVED, arg=5)  # the studio has sent these points to whoever listens
    train(job, 6)
    watched.wait_for_function(ARRIVED, arg=6)
    assert watched.evaluate(STEPS) == [1, 2, 3, 4, 5, 6]
    assert watched.evaluate("window.stays"), "The page was not loaded anew: what stood in it is still there."


def test_a_page_that_the_studio_does_not_know_any_more_loads_itself_anew(
    watched: Page, server: ServedStudio, job: RunningJob
) -> None:
    """As after a night in which the laptop slept, or the studio was started again."""
    server.kill()
    train(job, 3, 4)
    server.start()
    watched.wait_for_function(f"() => !window.stays && ({ARRIVED})(4)")
    assert watched.evaluate(STEPS) == [1, 2, 3, 4]
