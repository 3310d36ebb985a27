"""The five method cards: chosen by radio, each with its own parameters, its figures for the model, and its limits."""

import asyncio

import pytest
from hub_standin import HubStandIn, serving
from nicegui import ui
from nicegui.testing import User

from core.feed import FeedUpdate
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.events import Metric
from storage.jobs import Query
from storage.methods import Adapter, Prefix
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status
from ui.components.method_words import METHOD_WORDS
from ui.signals import Signals

ALICE = Actor("Alice", "alice@example.org")
WIZARD = "/dashboard/fine-tuning/create"


async def open_cards(user: User, address: str = f"{WIZARD}?step=1") -> None:
    await user.open(address)
    user.find("model-tiny").click()
    await user.should_see("of the model’s (estimate for this model)")


async def choose(user: User, kind: str) -> None:
    user.find(f"method-{kind}").trigger("change")
    await user.should_see(f"{METHOD_WORDS[kind].name} Parameters")


def rate(user: User) -> str:
    user.find("step-3").click()
    [entry] = [
        found for found in user.find(marker="hyperparameters.learning_rate").elements if isinstance(found, ui.input)
    ]
    value = str(entry.value)
    user.find("step-1").click()
    return value


async def created(studio: Studio) -> str:
    for _ in range(300):
        if found := studio.runs.search(Query()).rows:
            return str(found[0].id)
        await asyncio.sleep(0.1)
    raise AssertionError("No job was made.")


async def test_all_five_can_be_chosen_and_are_one_group(user: User, asked: JobSpec) -> None:
    await open_cards(user)
    radios = [
        found
        for kind in ("lora", "qlora", "prefix", "adapter", "full")
        for found in user.find(f"method-{kind}").elements
    ]
    assert [(radio.props["type"], radio.props["name"], "disabled" in radio.props) for radio in radios] == [
        ("radio", "method", False)
    ] * 5
    for text in (
        "Most Efficient",
        "Ultra Efficient",
        "Resource Intensive",
        "less memory usage",
        "Modular & composable",
    ):
        await user.should_see(text)


async def test_the_chosen_method_shows_every_field_of_its_own(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_cards(user)
    await user.should_see("LoRA Parameters")
    await choose(user, "adapter")
    for text in ("Adapter Layers Parameters", "Adapter Size", "Activation", "Placement", "Width of the bottleneck"):
        await user.should_see(text)
    await user.should_not_see("LoRA Alpha")
    user.find(marker="method.size").clear().type("0")
    await user.should_see("Adapter Size cannot be “0”. Give a whole number from 1 to 4096.")
    user.find(marker="method.size").clear().type("8")
    [placement] = user.find(marker="method.placement").elements
    placement.value = "pfeiffer"
    await choose(user, "full")
    await user.should_see("there is nothing to set here")
    await choose(user, "adapter")  # what was typed is there again
    [size] = user.find(marker="method.size").elements
    assert size.value == "8"
    user.find("step-3").click()
    user.find("create").click()
    spec = studio.runs.run_spec(await created(studio))
    assert spec.method == Adapter(size=8, placement="pfeiffer")
    await user.should_see("Adapter Size")


async def test_the_learning_rate_follows_the_method_until_somebody_types_one(user: User, asked: JobSpec) -> None:
    await open_cards(user)
    assert rate(user) == "0.001"
    await choose(user, "prefix")
    assert rate(user) == "0.05"
    await choose(user, "full")
    assert rate(user) == "0.0001"
    user.find("step-3").click()
    user.find(marker="hyperparameters.learning_rate").clear().type("0.0007")
    user.find("step-1").click()
    await choose(user, "lora")
    assert rate(user) == "0.0007"


async def test_preferences_begin_at_their_own_learning_rate(user: User, asked: JobSpec) -> None:
    await open_cards(user, f"{WIZARD}?objective=dpo&step=1")
    assert rate(user) == "0.0005"


async def test_what_cannot_be_is_said_where_it_is_typed(user: User, studio: Studio, asked: JobSpec) -> None:
    await open_cards(user)
    await choose(user, "prefix")
    user.find(marker="method.length").clear().type("500")
    await user.should_see(
        "A prefix of 500 virtual tokens with Tiny cannot be: it leaves fewer than 16 of the model's 512 tokens",
    )
    user.find("Next").click()
    await asyncio.sleep(0.3)
    await user.should_see("Prefix Tuning Parameters")  # the step stays open
    user.find(marker="method.length").clear().type("12")
    await user.should_not_see("A prefix of 500")
    user.find("step-3").click()
    await user.should_see("65536 → 500")
    await user.should_see("the model's limit, less the prefix of 12")


async def test_a_clone_and_a_reload_keep_the_method(user: User, studio: Studio, asked: JobSpec) -> None:
    modest = Hyperparameters(batch_size=64, max_context_length=256, learning_rate=0.02)
    wanted = asked.model_copy(update={"method": Prefix(length=7), "hyperparameters": modest})
    job = studio.runs.submit(wanted, actor=ALICE)
    await user.open(f"{WIZARD}?step=1&clone={job.id}")
    await user.should_see("Prefix Tuning Parameters")
    [length] = user.find(marker="method.length").elements
    assert length.value == "7"
    assert rate(user) == "0.02"
    user.find(marker="method.length").clear().type("9")
    await asyncio.sleep(0.8)
    await user.open(f"{WIZARD}?step=1&clone={job.id}")
    [length] = user.find(marker="method.length").elements
    assert length.value == "9"


def finish(studio: Studio, job_id: str) -> None:
    """As if it had been trained: the row says completed, and an output is there."""
    folder = studio.runs.folder(job_id)
    partial = folder.output.with_name("output.partial")
    partial.mkdir()
    (partial / "adapter_model.safetensors").write_bytes(b"w" * 4096)
    manifest.seal(partial, folder.output)
    job = studio.runs.claim_next()
    assert job is not None
    assert studio.runs.move(job, Status.COMPLETED)


async def test_a_finished_job_is_a_custom_model_to_go_on_from(user: User, studio: Studio, asked: JobSpec) -> None:
    first = studio.runs.submit(asked.model_copy(update={"method": Adapter(size=8)}), actor=ALICE)
    finish(studio, first.id)
    await user.open(f"{WIZARD}?step=1")
    user.find("Custom Models").click()
    await user.should_see(f"Adapter Layers on Tiny · {first.id}")
    user.find(f"tuned-{first.id}").click()
    await user.should_see("Adapter Layers Parameters")
    [size] = user.find(marker="method.size").elements
    assert size.value == "8"
    await choose(user, "lora")
    await user.should_see("Keep its method and parameters (size 8, activation gelu, placement houlsby)")
    await choose(user, "adapter")
    await user.should_not_see("Keep its method and parameters")
    user.find("step-3").click()
    user.find("create").click()
    for _ in range(300):
        rows = studio.runs.search(Query()).rows
        if len(rows) == 2:
            break
        await asyncio.sleep(0.1)
    [job] = [row for row in rows if row.id != first.id]
    start = studio.runs.run_spec(job.id).start
    assert start is not None
    assert (start.job_id, start.method) == (first.id, Adapter(size=8))
    await user.should_see("Its adapter is trained on.")


async def test_training_goes_on_from_a_checkpoint_that_was_chosen_on_its_jobs_page(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    first = studio.runs.submit(asked.model_copy(update={"method": Prefix(length=4)}), actor=ALICE)
    partial = studio.runs.folder(first.id).checkpoints / "next.partial"
    partial.mkdir()
    (partial / "adapter_model.safetensors").write_bytes(b"w" * 4096)
    manifest.seal(partial, partial.with_name("step-00000005"))
    await user.open(f"/dashboard/fine-tuning/supervised/{first.id}")
    await user.should_see(marker="use-5")
    user.find(marker="use-5").click()
    user.find(marker="train-on-5").click()
    await user.should_see("Prefix Tuning Parameters")
    await user.should_see(f"{first.output_name}, step 5")
    await user.should_see(f"Prefix Tuning on Tiny · {first.id}@5")
    user.find("step-3").click()
    user.find("create").click()
    await user.should_see("Its adapter is trained on.")
    [job] = studio.descent.of(first.id)
    start = studio.runs.run_spec(job.id).start
    assert start is not None
    assert (start.step, start.method) == (5, Prefix(length=4))
    assert job.dataset_id == first.dataset_id
    await user.open(f"/dashboard/fine-tuning/supervised/{first.id}")
    await user.should_see("Goes on in")


async def test_a_checkpoint_that_went_while_the_wizard_was_open_is_said_in_its_step(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    draft = asked.model_copy(update={"start_from": "was-there@5"}).model_dump(mode="json")
    studio.drafts.save("new-sft", draft)
    await user.open(WIZARD)
    await user.should_see("The job “was-there” is gone, with its checkpoints. Choose another to go on from.")
    user.find("model-tiny").click()
    await user.should_not_see("is gone, with its checkpoints")


async def test_the_job_page_tells_what_the_method_saves(
    user: User, studio: Studio, signals: Signals, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked.model_copy(update={"method": Prefix(length=4)}), actor=ALICE)
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    await user.should_see("This run against full fine-tuning")
    counts = {"trainable_parameters": 512.0, "total_parameters": 1_000_512.0}
    speed = {"tokens_per_second": 321.0, "step_seconds": 1.25, "memory_bytes": 734003200.0}
    signals.feed.emit(
        FeedUpdate(job_id=job.id, attempt=0, events=(Metric(seq=0, step=1, epoch=0.1, values=counts | speed),))
    )
    for text in ("512 of 1 million weights, 0.051 %", "321", "1.25 s", "700 MB (measured)", "0.051 % (measured)"):
        await user.should_see(text)


async def test_a_model_is_looked_for_and_fetched_inside_the_step(
    user: User, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = {"config.json": b'{"model_type": "llama"}', "pytorch_model.bin": b"pickle"}
    with serving(HubStandIn(models={"acme/pickled": pickled})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        await user.open("/dashboard/fine-tuning/create?step=1")
        user.find("provider-hub").trigger("change")
        user.find("hub-search").type("acme")
        user.find("hub-find").click()
        await user.should_see("acme/pickled")
        user.find("hub-acme/pickled").click()
        await user.should_see("It becomes the base model as soon as it is here.")
        await user.should_see("keeps its weights as a pickle only")
