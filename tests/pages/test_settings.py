"""The folded parts of the wizard's third step, and what the job page makes of them while the job runs."""

import asyncio
import json
from typing import Any

from nicegui import ui
from nicegui.testing import User
from tokenizers import Tokenizer, models, pre_tokenizers

from core.feed import FeedUpdate
from core.people import Actor
from core.studio import Studio
from storage.events import Finished, PromptAnswer
from storage.jobs import Query
from storage.spec import JobSpec, Objective, RunSpec
from storage.trackers import MirrorState, Tracker
from ui.components.text import Text
from ui.signals import Signals

BOB = Actor("Bob", "bob@example.org")
STEP_3 = "/dashboard/fine-tuning/create?objective=sft&step=3"
OWN = "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {% endfor %}"


def give_tokenizer(studio: Studio) -> None:
    """Words as tokens, and a template of its own."""
    folder = studio.home.models / "tiny"
    words = ["[unk]", *(f"{word}" for word in ("Hello", "Hi", "user", "assistant", "<", ">", *map(str, range(12))))]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[unk]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[unk]", "eos_token": "[unk]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "chat_template.jinja").write_text(OWN)


def type_into(user: User, marker: str, text: str) -> None:
    user.find(marker).clear()
    user.find(marker).type(text)


async def at_step_3(user: User) -> None:
    await user.open(STEP_3.replace("step=3", "step=1"))
    user.find("model-tiny").click()
    user.find("Next").click()
    await user.should_see("What is Supervised Fine-Tuning?")
    user.find("Next").click()
    await user.should_see("Model Output Name")


async def asked_for(studio: Studio) -> RunSpec:
    for _ in range(300):
        if rows := studio.runs.search(Query()).rows:
            return studio.runs.run_spec(rows[0].id)
        await asyncio.sleep(0.1)
    raise AssertionError("No job was created.")


async def test_what_is_filled_in_below_is_what_the_job_asks_for(user: User, studio: Studio, asked: JobSpec) -> None:
    await at_step_3(user)
    for name, value in (("weight_decay", "0.1"), ("max_gradient_norm", "0.5"), ("early_stopping", "3")):
        type_into(user, f"hyperparameters.{name}", value)
    type_into(user, "hyperparameters.neftune_alpha", "5")
    (schedule,) = user.find(kind=ui.select, marker="hyperparameters.scheduler").elements
    schedule.value = "cosine"
    user.find("sample-prompt-1").type("Where is my order?")
    for number in (2, 3):
        user.find("add-prompt").click()
        await user.should_see(f"Prompt {number}")
    user.find("sample-prompt-3").type("  Hello  ")
    user.find("tracker-tensorboard").click()
    user.find("tracker-wandb").click()
    await user.should_see("No key is stored, so runs are kept offline" if studio_has("wandb") else "pip install wandb")
    user.find("create").click()
    spec = await asked_for(studio)
    runs = spec.hyperparameters
    assert (runs.weight_decay, runs.max_gradient_norm, runs.early_stopping) == (0.1, 0.5, 3)
    assert (runs.neftune_alpha, runs.scheduler) == (5, "cosine")
    # Without the empty line between the two.
    assert spec.sample_prompts == ("Where is my order?", "Hello")
    assert spec.asked.wandb
    assert spec.asked.trackers == (Tracker.TENSORBOARD,)


def studio_has(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


async def test_a_bad_value_in_a_folded_part_is_shown(user: User, studio: Studio, asked: JobSpec) -> None:
    await user.open(STEP_3)
    type_into(user, "hyperparameters.weight_decay", "7")
    user.find("create").click()
    await user.should_see("Weight Decay cannot be “7”")
    (fold,) = user.find(marker="fold-advanced").elements
    for _ in range(300):  # the click is answered in the background
        if "open" in fold.props:
            break
        await asyncio.sleep(0.1)
    assert "open" in fold.props
    assert not studio.runs.search(Query()).rows


async def test_noise_is_offered_where_it_has_a_meaning_only(user: User) -> None:
    await user.open(STEP_3)
    await user.should_see("NEFTune")
    await user.open(STEP_3.replace("sft", Objective.DPO.value))
    await user.should_not_see("NEFTune")


async def test_a_template_is_previewed_with_the_rows_that_will_be_trained(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    give_tokenizer(studio)
    await at_step_3(user)
    user.find("own-template").click()
    (area,) = user.find("chat-template").elements
    assert isinstance(area, ui.textarea)
    for _ in range(300):
        if area.value == OWN:
            break
        await asyncio.sleep(0.1)
    assert area.value == OWN
    user.find("preview-template").click()
    await user.should_see("Row 3 as the model will read it")
    learned = [one.text for one in user.find(kind=Text).elements if one.tag == "mark"]
    # The answers and the token that ends them, and nothing of the questions.
    assert sorted(text.split()[-3:] for text in learned) == [["Hi", f"{number}", "[unk]"] for number in range(3)]
    type_into(user, "chat-template", "{% for m in messages %}")
    user.find("preview-template").click()
    await user.should_see("The model's chat template refuses it")
    type_into(user, "chat-template", OWN.replace("<", "("))
    user.find("create").click()
    spec = await asked_for(studio)
    assert spec.model.chat_template == spec.asked.chat_template == OWN.replace("<", "(")


async def test_answers_over_time_the_early_end_and_trackers_are_on_the_job_page(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    spec = asked.model_copy(update={"sample_prompts": ("Hello?",), "trackers": (Tracker.TENSORBOARD,), "wandb": True})
    job = studio.runs.submit(spec, actor=BOB)
    run = studio.home.runs / job.id
    MirrorState(state="failed", message="The server said no.").write(run, Tracker.WANDB)
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    await user.should_see("Weights & Biases")
    await user.should_see("The run is not touched by this. The server said no.")
    await user.should_see("Not started")
    await user.should_not_see("Samples over time")

    def tell(*events: Any) -> None:
        signals.feed.emit(FeedUpdate(job_id=job.id, attempt=0, events=events))

    tell(*(PromptAnswer(seq=n, index=0, step=10 * n, prompt="Hello?", answer=f"Answer {n}") for n in range(3)))
    await user.should_see("Samples over time")
    for text in ("Before training", "Answer 0", "Step 20", "Answer 2"):
        await user.should_see(text)
    await user.should_not_see("Answer 1")
    user.find(marker="answers-earlier").click()
    for text in ("Before training", "Answer 0", "Step 10", "Answer 1"):
        await user.should_see(text)
    # What comes meanwhile does not turn the page; at the newest it does.
    tell(PromptAnswer(seq=3, index=0, step=30, prompt="Hello?", answer="Answer 3"))
    await user.should_not_see("Answer 3")
    user.find(marker="answers-step").trigger("change", 3)
    await user.should_see("Answer 3")
    tell(PromptAnswer(seq=4, index=0, step=40, prompt="Hello?", answer="Answer 4"))
    await user.should_see("Answer 4")
    facts = {"exported_step": 10, "best_step": 10, "best_value": 1.25, "stopped_early_step": 20}
    tell(Finished(seq=5, outcome="completed", step=20, facts=facts))
    await user.should_see("It stopped early at step 20, as nothing got better any more.")
    await user.should_see("The output holds step 10, the best that was evaluated (1.25).")
