"""What a job takes: told in the wizard while the form changes, and compared on the job page with what it took."""

import asyncio

import pytest
from nicegui import ui
from nicegui.testing import User

from core.estimate.calibration import NOT_CALIBRATED
from core.estimate.ladder import ladder
from core.estimate.outlook import look_ahead
from core.hardware import Hardware
from core.people import Actor
from core.studio import Studio
from storage import prediction
from storage.prediction import Measured
from storage.spec import JobSpec, RunSpec
from ui.components.estimate_panel import EstimatePanel
from ui.components.spec_form import SpecForm
from ui.signals import Signals

BOB = Actor("Bob", "bob@example.org")
WIZARD = "/dashboard/fine-tuning/create"
GB = 1024**3


@pytest.fixture
def run_that_is_too_large(studio: Studio, asked: JobSpec) -> RunSpec:
    """A model of 7 billion weights, asked of a machine with next to no memory."""
    run = studio.runs.preview(asked)
    sizes = {"parameters": 7_000_000_000, "hidden_size": 4096, "layers": 32, "vocabulary": 32_000}
    return run.model_copy(update={"model": run.model.model_copy(update=sizes)})


async def open_settings(user: User) -> None:
    await user.open(f"{WIZARD}?step=1")
    user.find("model-tiny").click()
    user.find("step-3").click()
    await user.should_see("What it takes")


async def test_the_wizard_says_what_it_takes_and_follows_the_form(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    await user.should_see("Fits")
    for text in (
        "(estimate)",
        "The program itself",
        "Activations",
        "tokens/s, estimate",
        "are free",
        "Trained weights",
    ):
        await user.should_see(text)
    user.find(marker="method.rank").clear()
    user.find(marker="method.rank").type("256")
    await user.should_see("623,104")
    user.find(marker="hyperparameters.epochs").clear()
    user.find(marker="hyperparameters.epochs").type("-1")
    await user.should_see("Told as soon as the job can run as it is filled in.")


async def test_the_job_page_compares_what_was_foretold_with_what_came(
    user: User, studio: Studio, asked: JobSpec, signals: Signals
) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    await user.should_see("Estimates. What is measured at the end corrects the next one.")
    folder = studio.runs.folder(job.id)
    foretold = prediction.predicted(folder.path)
    assert foretold
    came = Measured(
        peak_memory_bytes=round(foretold.peak_memory_bytes / 1.25),
        tokens_per_second=2 * foretold.tokens_per_second,
        seconds=None,
        disk_bytes=foretold.disk_bytes,
    )
    prediction.write(folder.path, came)
    signals.jobs.emit(job.id)
    await user.should_see("What it took")
    for text in ("+25 %", "−50 %", "+0 %"):
        await user.should_see(text)


async def test_what_would_make_it_fit_is_a_click_away_and_happens_to_nobody_by_itself(
    user: User, run_that_is_too_large: RunSpec
) -> None:
    small = Hardware(cores=2, memory_bytes=GB, available_bytes=GB, fast_bfloat16=True, gpus=())
    form = SpecForm()

    @ui.page("/panel")
    def panel() -> None:
        outlook = look_ahead(run_that_is_too_large, small)
        rungs = ladder(run_that_is_too_large, outlook, small, None, NOT_CALIBRATED)
        EstimatePanel(form).show(outlook, rungs, 5 * GB)

    await user.open("/panel")
    await user.should_see("Does not fit")
    await user.should_see("Costs about a third more time")
    assert form.get("hyperparameters.gradient_checkpointing") is False
    changed = asyncio.Event()
    form.on_change(changed.set)
    for path, value in (("hyperparameters.gradient_checkpointing", True), ("method.kind", "qlora")):
        user.find(marker=f"use-{path}").click()
        await asyncio.wait_for(changed.wait(), 10)
        changed.clear()
        assert form.get(path) == value
    assert form.spec() is None  # nothing else was chosen, and nothing else has changed
