"""The wizard: from the model to the job page, sentences for bad values, and a draft that survives."""

import asyncio
from pathlib import Path

from nicegui import ui
from nicegui.testing import User
from uploading import arrives

from core.people import Actor
from core.studio import Studio
from storage.jobs import Query
from storage.spec import JobSpec, NoEvaluation

BOB = Actor("Bob", "bob@example.org")
WIZARD = "/dashboard/fine-tuning/create"


def retype(user: User, marker: str, text: str) -> None:
    user.find(marker=marker).clear()
    user.find(marker=marker).type(text)


async def jobs_of(studio: Studio, expected: int = 1) -> list[str]:
    """The jobs, as soon as there are so many; the pause afterwards is for one too many."""
    for _ in range(300):
        if len(studio.runs.search(Query()).rows) >= expected:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)
    return [job.id for job in studio.runs.search(Query()).rows]


async def test_three_steps_lead_to_the_job_page(user: User, studio: Studio, asked: JobSpec) -> None:
    await user.open(f"{WIZARD}?objective=sft&step=1")
    await user.should_see("Choose a base model or a LoRA adapter to start fine-tuning.")
    await user.should_see("LoRA (Recommended)")
    user.find("model-tiny").click()
    user.find("Next").click()
    await user.should_see("What is Supervised Fine-Tuning?")
    await user.should_see("Hello 0")
    user.find("Next").click()
    await user.should_see("Model Output Name")
    retype(user, "display_name", "My tone")
    retype(user, "hyperparameters.epochs", "3")
    user.find("create").click()
    (job_id,) = await jobs_of(studio)
    await user.should_see("Job Details")  # the name alone is on the wizard's page as well
    await user.should_see("My tone")
    job = studio.runs.get(job_id)
    assert (job.epochs, job.created_by_email, job.dataset_id) == (3, "alice@example.org", asked.dataset)
    assert user.back_history[-1].endswith(job_id)


async def test_two_clicks_on_create_make_one_job(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    user.find("create").click().click()
    assert len(await jobs_of(studio)) == 1


async def test_values_out_of_bounds_are_refused_with_the_bound(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    retype(user, "hyperparameters.epochs", "0")
    await user.should_see("Epochs cannot be “0”. Give a whole number from 1 to 1000.")
    user.find("create").click()
    assert await jobs_of(studio, expected=0) == []
    retype(user, "hyperparameters.epochs", "1")
    await user.should_not_see("Epochs cannot be")
    user.find("create").click()
    assert len(await jobs_of(studio)) == 1


async def test_what_will_really_run_names_the_reason(user: User, asked: JobSpec) -> None:
    await open_settings(user)
    await user.should_see("65536 → 512")
    await user.should_see("the model's limit")


async def test_a_taken_job_id_is_answered_with_a_sentence(user: User, studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked.model_copy(update={"job_id": "mine-1"}), actor=BOB)
    await open_settings(user)
    user.find(marker="job_id").type("mine-1")
    user.find("create").click()
    await user.should_see("The job id “mine-1” is taken.")


async def test_a_reload_keeps_what_was_typed(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    user.find(marker="display_name").type("half a thought")
    await asyncio.sleep(0.8)
    await user.open(f"{WIZARD}?step=3")
    (entry,) = user.find(marker="display_name").elements
    assert entry.value == "half a thought"


async def test_a_clone_starts_with_the_other_jobs_values(user: User, studio: Studio, asked: JobSpec) -> None:
    wanted = asked.model_copy(update={"display_name": "first", "evaluation": NoEvaluation(), "job_id": "first-1"})
    job = studio.runs.submit(wanted, actor=BOB)
    await user.open(f"{WIZARD}?step=3&clone={job.id}")
    (name,) = user.find(marker="display_name").elements
    (job_id,) = user.find(marker="job_id").elements
    assert (name.value, job_id.value) == ("first", "")
    await user.open(f"{WIZARD}?step=2&clone={job.id}")
    (evaluation,) = user.find(marker="evaluation").elements
    assert evaluation.value == "none"


async def test_next_waits_for_a_dataset(user: User, studio: Studio) -> None:
    await user.open(f"{WIZARD}?step=2")
    user.find("Next").click()
    await user.should_see("Choose a dataset first.")


async def test_an_uploaded_file_is_checked_and_chosen(user: User, studio: Studio) -> None:
    await user.open(f"{WIZARD}?step=2")
    await arrives(user, "few.jsonl", b'{"messages": 1}\n')
    await user.should_see("at least 10")
    rows = b"".join(b'{"prompt": "Hello %d", "completion": "Hi %d"}\n' % (n, n) for n in range(12))
    await arrives(user, "hellos.jsonl", rows)
    await user.should_see("The first 3 of 12 pairs")
    await user.should_see("Every row is fine")
    assert studio.datasets.all()[0].name == "hellos"
    [left] = studio.home.uploads.iterdir()  # the refused one can still be read in another way
    assert studio.uploads.finished(left.name).name == "few.jsonl"


async def test_a_kind_that_does_not_exist_cannot_be_created(user: User) -> None:
    await user.open(f"{WIZARD}?objective=telepathy")
    await user.should_see("There is no such kind of fine-tuning")


async def open_settings(user: User) -> None:
    await user.open(f"{WIZARD}?step=1")
    user.find("model-tiny").click()
    user.find("step-3").click()
    await user.should_see("Model Output Name")


async def test_a_step_that_lacks_its_choice_is_not_ticked(user: User, studio: Studio, tmp_path: Path) -> None:
    await user.open("/dashboard/fine-tuning/create?step=3")
    steps = [element for element in user.find(kind=ui.element).elements if "ts-step" in element.classes]
    assert ["ts-done" in step.classes for step in steps] == [False, False, False]


async def test_evaluation_and_checkpoints_are_optional_settings(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_settings(user)
    await user.should_see("Minutes between checkpoints within an epoch: what a crash can cost; 0 = at its end only")
    retype(user, "checkpoints.save_minutes", "-1")
    await user.should_see("Checkpoint Every N Minutes cannot be “-1”. Give a number from 0 to 10080.")
    retype(user, "checkpoints.save_minutes", "2.5")
    retype(user, "checkpoints.best", "3")
    retype(user, "hyperparameters.eval_steps", "20")
    user.find("create").click()
    (job_id,) = await jobs_of(studio)
    run = studio.runs.run_spec(job_id)
    assert (run.retention.save_minutes, run.retention.best, run.hyperparameters.eval_steps) == (2.5, 3, 20)
    await user.should_see("Written every 2.5 minutes and at each epoch’s end. Kept: the best 3, the")


async def test_the_same_job_is_offered_as_a_command_and_as_a_file(user: User, asked: JobSpec) -> None:
    await open_settings(user)
    retype(user, "hyperparameters.epochs", "3")
    retype(user, "display_name", "Ben's")
    await user.should_see("--epochs 3")
    await user.should_see(f"--set dataset={asked.dataset}")
    await user.should_see("display_name: Ben's")
    retype(user, "hyperparameters.epochs", "0")
    await user.should_see("There is no command yet")


async def test_settings_are_saved_under_a_name_and_put_in_place_again(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    await open_settings(user)
    retype(user, "hyperparameters.epochs", "7")
    user.find("save-preset").click()
    await user.should_see("chat template and names are not")
    user.find(marker="preset-name").type("../up")
    user.find("preset-save").click()
    await user.should_see("A preset cannot be called “../up”.")
    user.find(marker="preset-name").clear().type("Seven times")
    user.find("preset-save").click()
    await user.should_see("Saved as “Seven times”.")

    await user.open(f"{WIZARD}?step=3")
    retype(user, "hyperparameters.epochs", "1")
    [select] = user.find(marker="preset").elements
    assert isinstance(select, ui.select)
    select.value = "Seven times"
    await user.should_see("The settings of “Seven times” are in place.")
    [epochs] = user.find(marker="hyperparameters.epochs").elements
    assert isinstance(epochs, ui.input)
    assert epochs.value == "7"
    assert asked.dataset in str(await asyncio.to_thread(studio.drafts.load, "new-sft"))

    user.find("delete-preset").click()
    await user.should_see("and so do jobs that were made with it")
    user.find("Delete preset", kind=ui.button).click()
    await user.should_see("“Seven times” is deleted.")
    assert list(studio.home.presets.iterdir()) == []
