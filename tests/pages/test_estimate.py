"""What a job takes: told in the wizard while the form changes, and compared on the job page with what it took."""

from nicegui.testing import User

from core.people import Actor
from core.studio import Studio
from storage import prediction
from storage.prediction import Measured
from storage.spec import JobSpec
from ui.signals import Signals

BOB = Actor("Bob", "bob@example.org")
WIZARD = "/dashboard/fine-tuning/create"


async def open_settings(user: User) -> None:
    await user.open(f"{WIZARD}?step=1")
    user.find("model-tiny").click()
    user.find("step-3").click()
    await user.should_see("What it takes")


def said(user: User, marker: str) -> str:
    [element] = user.find(marker=marker).elements
    return " ".join(str(each._text or "") for each in element.descendants() if hasattr(each, "_text"))


async def test_the_wizard_says_what_it_takes_and_follows_the_form(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    await user.should_see("Fits", retries=30)
    for text in (
        "(estimate)",
        "The program itself",
        "Activations",
        "tokens/s, estimate",
        "are free",
        "Trained weights",
    ):
        await user.should_see(text)
    before = said(user, "estimate")
    user.find("hyperparameters.epochs").clear()
    user.find("hyperparameters.epochs").type("900")
    await user.should_see(" h", retries=30)
    assert said(user, "estimate") != before
    user.find("hyperparameters.epochs").clear()
    user.find("hyperparameters.epochs").type("-1")
    await user.should_see("As soon as a model and a dataset are chosen.", retries=30)


async def test_the_job_page_compares_what_was_foretold_with_what_came(
    user: User, studio: Studio, asked: JobSpec, signals: Signals
) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    await user.should_see("Estimates. What is measured at the end corrects the next one.", retries=20)
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
    await user.should_see("What it took", retries=20)
    for text in ("+25 %", "−50 %", "+0 %"):
        await user.should_see(text)
