"""The curves in a real browser: live in every view, pointed at and zoomed together, and away as files."""

from collections.abc import Iterator

import pytest
from chromium import visit
from playwright.sync_api import Page, expect
from served import ServedStudio
from standin import ALICE, RunningJob, add_hollow_model, keep_running

from core.home import Home
from core.studio import Studio
from storage.events import Metric, Phase

pytestmark = pytest.mark.browser

#: Of a chart's trace in the browser.
XS = "([chart, trace]) => [...document.querySelectorAll('.js-plotly-plot')[chart].data[trace].x]"
COUNT = "([trace, count]) => document.querySelector('.js-plotly-plot')?.data?.[trace].x.length === count"
RANGES = "() => [...document.querySelectorAll('.js-plotly-plot')].map((one) => one._fullLayout.xaxis.range.join())"
POINTED_AT = "() => document.querySelectorAll('.js-plotly-plot .hoverlayer .legend').length"
DRAWN = "(count) => document.querySelectorAll('.js-plotly-plot .nsewdrag').length === count"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJob]:
    home = Home(tmp_path_factory.mktemp("studio") / "home")
    home.prepare()
    add_hollow_model(home)
    studio = Studio(home)
    studio.open()
    studio.people.save(ALICE.name, ALICE.email)
    with keep_running(studio) as running:
        studio.close()
        running.events.append(Phase(name="training", total=100, epochs=1))
        yield running


@pytest.fixture(scope="module")
def server(job: RunningJob) -> Iterator[ServedStudio]:
    served = ServedStudio(job.folder.path.parents[1], "--no-starter")
    served.start()
    yield served
    served.end()


def train(job: RunningJob, *steps: int) -> None:
    """Every step learns from a hundred tokens."""
    for step in steps:
        values = {"loss": 1 / step, "grad_norm": 0.5, "tokens_per_second": 50.0, "step_seconds": 2.0}
        job.events.append(Metric(step=step, epoch=step / 100, values=values))


def test_points_arrive_once_in_every_view(page: Page, server: ServedStudio, job: RunningJob) -> None:
    train(job, 1, 2, 3)
    visit(page, f"{server.url}/dashboard/fine-tuning/supervised/{job.folder.job_id}?axis=epoch")
    page.wait_for_function(COUNT, arg=[0, 3])
    train(job, 4)
    page.wait_for_function(COUNT, arg=[0, 4])
    assert page.evaluate(XS, [0, 0]) == [0.01, 0.02, 0.03, 0.04]

    page.get_by_role("button", name="Tokens", exact=True).click()
    slider = page.get_by_role("slider", name="Smoothing")
    slider.press("End")
    page.wait_for_function(COUNT, arg=[1, 4])
    train(job, 5, 6)
    page.wait_for_function(COUNT, arg=[1, 6])
    assert page.evaluate(XS, [0, 0]) == page.evaluate(XS, [0, 1]) == [100, 200, 300, 400, 500, 600]
    assert "axis=tokens" in page.url
    assert "smoothing=0.99" in page.url

    page.reload()
    page.wait_for_function(COUNT, arg=[1, 6])
    expect(page.get_by_role("button", name="Tokens", exact=True)).to_have_attribute("aria-pressed", "true")


def test_charts_are_pointed_at_and_zoomed_together_and_taken_away(
    page: Page, server: ServedStudio, job: RunningJob
) -> None:
    train(job, 7, 8, 9)
    visit(page, f"{server.url}/dashboard/fine-tuning/supervised/{job.folder.job_id}?tab=All")
    charts = page.locator(".js-plotly-plot")
    expect(charts).to_have_count(7)
    page.wait_for_function(DRAWN, arg=7)
    charts.first.locator(".nsewdrag").hover()
    page.wait_for_function(f"{POINTED_AT} > 1")

    whole = page.evaluate(RANGES)
    area = charts.first.locator(".nsewdrag").bounding_box()
    assert area
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + 20)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.7, area["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(f"(whole) => ({RANGES})().every((range, at) => range !== whole[at])", arg=whole)
    page.get_by_role("button", name="Reset zoom").click()
    page.wait_for_function(f"(whole) => ({RANGES})()[0] === whole[0]", arg=whole)

    with page.expect_download() as table:
        page.get_by_role("button", name="Save as CSV").click()
    assert table.value.path().read_text().startswith("attempt,step,epoch,at,grad_norm,loss")
    page.get_by_role("button", name="Gradient norm").click()
    expect(charts).to_have_count(1)
    page.wait_for_function(DRAWN, arg=1)
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save as PNG").click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")
    assert picture.value.suggested_filename == f"{job.folder.job_id}-gradient-norm.png"
