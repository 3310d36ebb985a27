"""Preferences in the pages: chosen in the modal, set up in the wizard, listed and watched."""

from pathlib import Path

from nicegui import ui
from nicegui.testing import User
from paged import job_of
from uploading import arrives

from core.feed import FeedUpdate
from core.studio import Studio
from storage.events import Metric
from storage.spec import JobSpec, Objective
from storage.tables import Dataset
from ui.signals import Signals

EXAMPLES = Path(__file__).parents[2] / "examples" / "support-preferences.jsonl"
WIZARD = "/dashboard/fine-tuning/create?objective=dpo"


def preferences(studio: Studio) -> Dataset:
    return studio.datasets.add(EXAMPLES, name=None, actor=studio.people.actor())


async def test_the_question_how_to_learn_leads_to_preferences(user: User) -> None:
    await user.open("/dashboard/fine-tuning")
    user.find("new-job").click()
    user.find("objective-dpo").trigger("change")
    user.find("Continue").click()
    await user.should_see("Teach a base model which of two answers people prefer.")


async def test_the_wizard_makes_a_preference_job(user: User, studio: Studio, asked: JobSpec) -> None:
    dataset = preferences(studio)
    await user.open(f"{WIZARD}&step=2")
    await user.should_see("What is Direct Preference Optimization?")
    # Only what can be learned from is offered, here and as an evaluation.
    for marker in ("dataset", "evaluation"):
        select = next(found for found in user.find(marker).elements if isinstance(found, ui.select))
        assert asked.dataset not in select.options
    for text in ("PREFERRED", "REJECTED", "I'm sorry it's late.", "Check the tracking."):
        await user.should_see(text)

    await user.open(f"{WIZARD}&step=1")
    user.find("model-tiny").click()
    user.find("step-3").click()
    await user.should_see("Preference Parameters")
    user.find(marker="dpo.beta").clear().type("0.3")
    (loss,) = user.find(marker="dpo.loss").elements
    loss.value = "robust"
    user.find(marker="dpo.label_smoothing").clear().type("0.7")
    user.find("create").click()
    await user.should_see("Label Smoothing cannot be “0.7”. Give a number from 0 to below 0.5.")
    user.find(marker="dpo.label_smoothing").clear().type("0.1")
    await user.should_see("dropout would be taken for a change from the reference")
    user.find("create").click()

    job = await job_of(studio, Objective.DPO)
    spec = studio.runs.run_spec(job.id)
    assert (spec.dpo.beta, spec.dpo.loss, spec.dpo.label_smoothing, spec.dataset.id) == (0.3, "robust", 0.1, dataset.id)
    assert spec.method.dropout == 0
    for text in ("Reward margin", "The model as it starts"):
        await user.should_see(text)
    assert user.back_history[-1] == f"/dashboard/fine-tuning/preference/{job.id}"


async def test_labelled_examples_are_no_preferences(user: User, studio: Studio) -> None:
    await user.open(f"{WIZARD}&step=2")
    rows = b"".join(b'{"prompt": "Hello %d", "completion": "Hi %d"}\n' % (n, n) for n in range(12))
    await arrives(user, "hellos.jsonl", rows)
    await user.should_see("hellos holds labelled examples; this job learns from preference pairs.")


async def test_its_job_is_listed_among_its_kind_and_draws_its_rewards(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    spec = asked.model_copy(update={"objective": Objective.DPO, "dataset": preferences(studio).id})
    job = studio.runs.submit(spec, actor=studio.people.actor())
    await user.open("/dashboard/fine-tuning?type=preference")
    (table,) = user.find(ui.table).elements
    assert [row["url"] for row in table.rows] == [f"/dashboard/fine-tuning/preference/{job.id}"]
    assert "objective=dpo" in table.rows[0]["clone_url"]
    await user.open("/dashboard/fine-tuning?type=supervised")
    await user.should_see("Teach a model with your own examples")

    await user.open(f"/dashboard/fine-tuning/preference/{job.id}")
    values = {"rewards/chosen": 0.2, "rewards/rejected": -0.3, "rewards/margins": 0.5, "rewards/accuracies": 1.0}
    metric = Metric(seq=0, step=1, epoch=0.1, values=values)
    signals.feed.emit(FeedUpdate(job_id=job.id, attempt=0, events=(metric,)))
    (chart,) = user.find("chart-rewards/chosen").elements
    assert [trace["y"] for trace in chart.figure["data"] if trace["y"]] == [[0.2], [-0.3]]
