"""The Compare page: several jobs in one chart and in tables; which ones, its address says."""

import pytest
from nicegui import ui
from nicegui.testing import User

from core.comparing import MOST
from core.feed import FeedUpdate
from core.studio import Studio
from storage.event_log import EventWriter
from storage.events import Event, Finished, Metric, Sample
from storage.spec import JobSpec
from storage.tables import Job
from ui import routes
from ui.signals import Signals


def trained(studio: Studio, asked: JobSpec, name: str, *losses: float, rate: float = 1e-4, answer: str = "") -> Job:
    """A job whose run has said this; an evaluation after each step is half a loss above it."""
    tuning = asked.hyperparameters.model_copy(update={"learning_rate": rate})
    spec = asked.model_copy(update={"display_name": name, "hyperparameters": tuning})
    job = studio.runs.submit(spec, actor=studio.people.actor())
    attempt = studio.runs.folder(job.id).attempt(1)
    attempt.claim("t" * 32)
    writer = EventWriter(attempt.events)
    for step, loss in enumerate(losses, start=1):
        writer.append(Metric(step=step, epoch=step / 10, values={"loss": loss}))
        writer.append(Metric(step=step, epoch=step / 10, values={"eval_loss": loss + 0.5}))
    if answer:
        said = {"index": 0, "step": 3, "prompt": "Hello 7", "expected": "Hi 7", "held_out": True}
        writer.append(Sample(answer=answer, tuned=True, **said))
    writer.close()
    return job


@pytest.fixture
def calm(studio: Studio, asked: JobSpec) -> Job:
    return trained(studio, asked, "Calm", 3.0, 2.0, 2.5, answer="Hi there")


@pytest.fixture
def bold(studio: Studio, asked: JobSpec) -> Job:
    return trained(studio, asked, "Bold", 3.0, 1.0, rate=1e-3, answer="Hi <b>7</b>")


def curves(user: User, *jobs: Job) -> list[list[float]]:
    """The values of each, as the chart has them."""
    (chart,) = user.find(marker=f"chart-{jobs[0].id}").elements
    assert isinstance(chart, ui.plotly)
    return [trace["y"] for trace in chart.figure["data"][::2]]


async def test_jobs_share_a_chart_and_only_what_differs_is_listed(user: User, calm: Job, bold: Job) -> None:
    await user.open(routes.compare([calm.id, bold.id]))
    assert curves(user, calm, bold) == [[3.0, 2.0, 2.5], [3.0, 1.0]]
    for text in ("Different settings", "Learning Rate", "0.0001", "0.001"):
        await user.should_see(text)
    await user.should_not_see("LoRA Alpha")
    for text in ("Best checkpoint", "Step 2, not saved", "2.5 (evaluation loss)", "1.5 (evaluation loss)"):
        await user.should_see(text)
    for text in ("Hello 7", "Hi there", "Hi <b>7</b>"):
        await user.should_see(text)


async def test_another_metric_is_chosen_and_reproduced_by_the_address(user: User, calm: Job, bold: Job) -> None:
    await user.open(routes.compare([calm.id, bold.id]))
    (metric,) = user.find(marker="metric").elements
    assert isinstance(metric, ui.select)
    assert list(metric.options) == ["loss", "eval_loss"]
    metric.value = "eval_loss"
    assert curves(user, calm, bold) == [[3.5, 2.5, 3.0], [3.5, 1.5]]
    await user.open(routes.compare([calm.id, bold.id], tab="eval_loss", axis="epoch"))
    assert curves(user, calm, bold) == [[3.5, 2.5, 3.0], [3.5, 1.5]]


async def test_a_run_that_goes_on_draws_on_and_every_point_once(
    user: User, signals: Signals, calm: Job, bold: Job
) -> None:
    await user.open(routes.compare([calm.id, bold.id]))

    def tell(*events: Event) -> None:
        signals.feed.emit(FeedUpdate(job_id=bold.id, attempt=1, events=events))

    known = Metric(seq=2, step=2, epoch=0.2, values={"loss": 1.0})
    tell(known, Metric(seq=5, step=3, epoch=0.3, values={"loss": 0.5}), Finished(seq=6, outcome="completed", step=3))
    tell(known)
    assert curves(user, calm, bold) == [[3.0, 2.0, 2.5], [3.0, 1.0, 0.5]]


async def test_jobs_are_added_and_left_out_on_the_page(user: User, calm: Job, bold: Job) -> None:
    await user.open(routes.compare([calm.id]))
    await user.should_see("Add another job to compare this one with.")
    (field,) = user.find(marker="add-job").elements
    assert isinstance(field, ui.select)
    assert list(field.options) == [bold.id]
    field.value = bold.id
    await user.should_see("Different settings")
    await user.should_see(marker=f"leave-{bold.id}")
    assert user.back_history[-1] == routes.compare([calm.id, bold.id])
    user.find(marker=f"leave-{calm.id}").click()
    await user.should_not_see(marker=f"leave-{calm.id}")
    assert user.back_history[-1] == routes.compare([bold.id])


async def test_what_is_not_there_is_said_and_the_rest_is_compared(user: User, studio: Studio, calm: Job) -> None:
    await user.open(routes.compare(["nobody", "<script>", calm.id, calm.id, *(f"more-{n}" for n in range(MOST))]))
    await user.should_see("There is no job “nobody” here.")
    await user.should_see("There is no job “<script>” here.")
    await user.should_see(f"At most {MOST} jobs are compared at once")
    assert curves(user, calm) == [[3.0, 2.0, 2.5]]


async def test_an_empty_page_teaches_what_it_is_for(user: User, studio: Studio) -> None:
    await user.open(routes.compare())
    await user.should_see("Which settings taught it best?")
    await user.should_see("clone a job, change one setting")


async def test_jobs_without_anything_yet_have_no_data_and_no_best(user: User, studio: Studio, asked: JobSpec) -> None:
    jobs = [studio.runs.submit(asked, actor=studio.people.actor()) for _ in range(2)]
    await user.open(routes.compare(job.id for job in jobs))
    for text in ("No data", "No evaluation", "They were all set in the same way.", "No prompt was answered by two"):
        await user.should_see(text)
