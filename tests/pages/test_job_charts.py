"""The curves on the job page: every view of them stands in the address, stays live, and shows no point twice."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User
from standin import claim

from core.feed import FeedUpdate
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Event, Metric, Phase
from storage.run_folder import Attempt
from storage.spec import JobSpec
from ui.signals import Signals

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def metric(seq: int, step: int) -> Metric:
    """Step n ends n minutes after noon and has a loss of n."""
    values = {
        "loss": float(step),
        "tokens_per_second": 5.0,
        "step_seconds": 20.0,
        "memory_bytes": 2e9,
        "grad_norm": 0.5,
    }
    return Metric(seq=seq, step=step, epoch=step / 10, values=values, at=NOON + timedelta(minutes=step))


@pytest.fixture
def attempt(studio: Studio, asked: JobSpec) -> Attempt:
    """Of a job that has done three steps."""
    _, attempt = claim(studio, asked)
    write(attempt, Phase(name="training", total=10, at=NOON), *(metric(0, step) for step in (1, 2, 3)))
    return attempt


def write(attempt: Attempt, *events: Event) -> None:
    writer = EventWriter(attempt.events)
    for event in events:
        writer.append(event)
    writer.close()


def page_of(attempt: Attempt, view: str = "") -> str:
    return f"/dashboard/fine-tuning/supervised/{attempt.path.parents[1].name}?{view}"


def tell(signals: Signals, attempt: Attempt, *events: Event) -> None:
    job_id = attempt.path.parents[1].name
    signals.feed.emit(FeedUpdate(job_id=job_id, attempt=attempt.number, events=events))


def traces(user: User, of: str = "loss") -> list[dict[str, Any]]:
    (chart,) = user.find(marker=f"chart-{of}").elements
    assert isinstance(chart, ui.plotly)
    found: list[dict[str, Any]] = chart.figure["data"]
    return found


def layout(user: User) -> dict[str, Any]:
    (chart,) = user.find(marker="chart-loss").elements
    assert isinstance(chart, ui.plotly)
    found: dict[str, Any] = chart.figure["layout"]
    return found


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not come about.")


@pytest.mark.parametrize(
    ("axis", "title", "x"),
    [
        ("step", "Step", [1, 2, 3, 4]),
        ("epoch", "Epoch", [0.1, 0.2, 0.3, 0.4]),
        ("tokens", "Tokens", [100, 200, 300, 400]),
        ("time", "Wall time, min", [1, 2, 3, 4]),
    ],
)
async def test_an_address_reproduces_the_view_and_the_view_stays_live(
    user: User, signals: Signals, attempt: Attempt, axis: str, title: str, x: list[float]
) -> None:
    await user.open(page_of(attempt, f"axis={axis}&smoothing=0.5&log=1"))
    raw, smooth = traces(user)[:2]
    assert raw["x"] == smooth["x"] == x[:3]
    # What the page has read already comes once more, with one new step.
    tell(signals, attempt, metric(3, 3), metric(4, 4))
    assert raw["x"] == smooth["x"] == x
    assert raw["y"] == [1, 2, 3, 4]
    assert smooth["y"] == pytest.approx([1, 5 / 3, 17 / 7, 49 / 15])
    assert (raw["opacity"] < 1, smooth["visible"]) == (True, True)
    assert (layout(user)["xaxis"]["title"]["text"], layout(user)["yaxis"]["type"]) == (title, "log")


async def test_another_view_is_drawn_from_what_is_there(user: User, signals: Signals, attempt: Attempt) -> None:
    await user.open(page_of(attempt))
    assert (traces(user)[0]["x"], traces(user)[1]["visible"]) == ([1, 2, 3], False)
    tell(signals, attempt, metric(4, 4))
    user.find(marker="axis-tokens").click()
    user.find(marker="log-scale").click()
    user.find(marker="smoothing").trigger("change", 0.5)
    tell(signals, attempt, metric(4, 4), metric(5, 5))
    raw, smooth = traces(user)[:2]
    assert raw["x"] == smooth["x"] == [100, 200, 300, 400, 500]
    assert layout(user)["yaxis"]["type"] == "log"
    for marker in ("axis-tokens", "log-scale"):
        (button,) = user.find(marker=marker).elements
        assert button.props["aria-pressed"] == "true"
    user.find(marker="log-scale").click()
    assert layout(user)["yaxis"]["type"] == "linear"


async def test_each_metric_has_its_tab(user: User, signals: Signals, attempt: Attempt) -> None:
    await user.open(page_of(attempt, "tab=Memory"))
    assert traces(user, "memory_bytes")[0]["y"] == [2, 2, 2]  # gigabytes
    user.find(marker="tab-Gradient norm").click()
    await user.should_see(marker="chart-grad_norm")
    await user.should_not_see(marker="chart-memory_bytes")
    tell(signals, attempt, metric(4, 4))
    assert traces(user, "grad_norm")[0]["x"] == [1, 2, 3, 4]
    # What came while another tab was open is there too.
    user.find(marker="tab-All").click()
    for name in ("loss", "learning_rate", "grad_norm", "tokens_per_second", "memory_bytes", "mean_token_accuracy"):
        await user.should_see(marker=f"chart-{name}")
    assert traces(user, "memory_bytes")[0]["x"] == [1, 2, 3, 4]


@pytest.mark.parametrize("view", ["tab=<b>&axis=height&smoothing=much&log=maybe", "smoothing=nan", "smoothing=-3"])
async def test_a_bent_address_shows_the_usual_view(user: User, attempt: Attempt, view: str) -> None:
    await user.open(page_of(attempt, view))
    assert (traces(user)[0]["x"], traces(user)[1]["visible"]) == ([1, 2, 3], False)


async def test_a_further_attempt_turns_no_curve_around(
    user: User, studio: Studio, signals: Signals, attempt: Attempt
) -> None:
    await user.open(page_of(attempt))
    before = traces(user)[0]
    second = Attempt(attempt.path.parent / str(attempt.number + 1))
    second.claim("u" * 32)
    write(second, Phase(name="training", done=1, total=10))
    tell(signals, second, Phase(seq=0, name="training", done=1, total=10))
    await until(lambda: traces(user)[0] is not before)  # it has read that there is a further attempt
    again = metric(1, 2)
    with second.events.open("ab") as file:
        file.write(again.model_dump_json().encode() + b"\n")
    tell(signals, second, again)
    await until(lambda: traces(user)[0]["x"] == [1, 2])


async def test_the_table_of_all_measurements_is_a_download(user: User, attempt: Attempt) -> None:
    answer = await user.http_client.get(page_of(attempt).replace("?", "/metrics.csv"))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (
        answer.text.splitlines()[0]
        == "attempt,step,epoch,at,grad_norm,loss,memory_bytes,step_seconds,tokens_per_second"
    )
    assert len(answer.text.splitlines()) == 4
    unknown = await user.http_client.get("/dashboard/fine-tuning/supervised/nobody/metrics.csv")
    assert (unknown.status_code, "There is no job" in unknown.text) == (404, True)
