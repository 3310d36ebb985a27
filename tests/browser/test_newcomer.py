"""A newcomer's first quarter of an hour, clicked through in Chromium on the starter model."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest
from chromium import visit
from playwright.sync_api import Page, expect
from served import TUNESMITH, ServedStudio, clean_environment

from storage import manifest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

MINUTES = 60_000
QUESTION = "My order says packed for four days now. Is something wrong?"
#: How every answer of the starter examples ends; learned in two epochs.
SIGNED = "Larkspur Supply"
#: What a prefix and adapter layers learn to say in a dozen steps.
AHOY = "Ahoy, sailor!"
STEPS_DRAWN = "() => document.querySelector('.js-plotly-plot').data[0].x"


def test_from_the_first_page_to_before_and_after(page: Page, server: ServedStudio) -> None:
    # The first visit asks who you are, once.
    visit(page, server.url)
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_label("Email", exact=True).fill("ada@example.org")
    page.get_by_role("button", name="Looks right").click()
    expect(page.get_by_text("ada@example.org")).to_be_visible()

    # The dashboard says what this is about, and leads to the jobs.
    expect(page.get_by_role("heading", name="Try it now")).to_be_visible()
    page.get_by_role("link", name="Fine-Tuning Jobs").click()
    page.wait_for_url("**/dashboard/fine-tuning*")
    page.wait_for_function("window.did_handshake === true")

    # The method is chosen; the wizard knows the starter model (as soon as it is made) and the starter dataset.
    page.get_by_role("button", name="Fine-tune a Model").first.click()
    expect(page.get_by_text("Use cases:").first).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function("window.did_handshake === true")
    expect(page.get_by_text("Choose a base model or a LoRA adapter to start fine-tuning.")).to_be_visible()
    preparing = page.get_by_text("Preparing the starter model").filter(visible=True)
    expect(preparing.first).to_be_visible()
    expect(preparing).to_have_count(0, timeout=5 * MINUTES)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("What is Supervised Fine-Tuning?")).to_be_visible()
    expect(page.get_by_text("The first 3 of 150 pairs")).to_be_visible()
    page.get_by_role("button", name="Next").click()

    # A value out of bounds is answered under its field; the real one is shown with what will run.
    page.get_by_label("Epochs", exact=True).fill("0")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Give a whole number from 1 to 1000").first).to_be_visible()
    page.get_by_label("Epochs", exact=True).fill("2")
    expect(page.get_by_text("would give fewer than 10 steps an epoch")).to_be_visible()
    page.get_by_role("button", name="Create").click()

    # The job page: points arrive while it runs.
    page.wait_for_url("**/dashboard/fine-tuning/supervised/*")
    page.wait_for_function("document.querySelector('.js-plotly-plot')?.data?.[0].x.length >= 2", timeout=5 * MINUTES)
    expect(page.get_by_text("Running").first).to_be_visible()
    expect(page.get_by_text("Epoch 1/2")).to_be_visible()

    # The server dies; the training does not notice, and the page comes back with the whole curve.
    server.kill()
    server.start()
    page.wait_for_function("document.querySelector('.js-plotly-plot')?.data?.[0].x.length >= 4", timeout=5 * MINUTES)
    drawn = page.evaluate(STEPS_DRAWN)
    assert drawn == list(range(1, len(drawn) + 1))

    expect(page.get_by_text("Completed").first).to_be_visible(timeout=20 * MINUTES)
    expect(page.get_by_text("100 % • Epoch 2/2")).to_be_visible()
    expect(page.get_by_text("Before", exact=True)).to_have_count(3)
    expect(page.get_by_text("After", exact=True)).to_have_count(3)
    drawn = page.evaluate(STEPS_DRAWN)
    assert drawn == list(range(1, len(drawn) + 1))

    # And on disk: a sealed PEFT adapter.
    [run] = (server.home / "runs").iterdir()
    assert manifest.damage(run / "output") is None
    assert json.loads((run / "output" / "adapter_config.json").read_text())["peft_type"] == "LORA"

    # The list knows it too.
    visit(page, f"{server.url}/dashboard/fine-tuning")
    expect(page.get_by_role("table").get_by_text("Completed")).to_be_visible()
    expect(page.get_by_text("Customer Support Starter")).to_be_visible()

    # What the model has read of a row, and what of it was learned.
    page.get_by_role("link", name="Datasets", exact=True).click()
    page.get_by_role("link", name="Customer Support Starter").click()
    page.get_by_role("link", name="Tokens", exact=True).click()
    expect(page.get_by_text("as the model reads it")).to_be_visible(timeout=MINUTES)
    learned = page.locator("mark.ts-piece-learned")
    expect(learned.first).to_be_visible(timeout=MINUTES)
    expect(learned.first).not_to_contain_text("<|im_start|>user")
    page.wait_for_function("document.querySelector('.js-plotly-plot')?.data?.[0].y.length > 1")

    # What was trained answers as it was taught to, on its page and to OpenAI's own client; the base model does not.
    visit(page, f"{server.url}/dashboard/fine-tuning/supervised/{run.name}")
    expect(page.get_by_text("No current deployments.")).to_be_visible()
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_label("Name", exact=True).fill("support-bot")
    page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/dashboard/deployments/support-bot")
    page.wait_for_function("window.did_handshake === true")
    page.get_by_label("Ask support-bot").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    said = page.get_by_role("log").locator("p").last
    expect(said).to_have_text(re.compile(r"\w{3}"), timeout=2 * MINUTES)
    stop = page.get_by_role("button", name="Stop")
    if stop.is_visible():
        stop.click()
    expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=MINUTES)
    taught = answer(server, "support-bot", tokens=200)
    assert SIGNED in taught
    assert SIGNED not in answer(server, "smollm2-135m", tokens=200)
    assert answer(server, "support-bot", tokens=200, stream=True) == taught
    expect(page.get_by_text("Answers with llama.cpp")).to_be_visible()

    # Two adapters and their base, asked from eight threads in turn, say what each says alone.
    first, *_ = sorted(path.name for path in (run / "checkpoints").glob("step-*"))
    models = ["support-bot", f"{run.name}@{int(first.removeprefix('step-'))}", "smollm2-135m"]
    alone = {model: answer(server, model) for model in models}
    assert len(set(alone.values())) == len(models)
    in_turn = models * 4
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(partial(answer, server), in_turn)) == [alone[model] for model in in_turn]


def test_a_prefix_and_adapter_layers_on_the_starter_model_answer_too(server: ServedStudio, tmp_path: Path) -> None:
    """What llama.cpp cannot hold: the same studio answers with transformers, beside the base model."""
    rows = tmp_path / "ahoy.jsonl"
    messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": AHOY}]
    rows.write_text((json.dumps({"messages": messages}) + "\n") * 10)
    for method, rate in (("prefix", 3e-2), ("adapter", 1e-3)):
        fields = {"hyperparameters.batch_size": 128, "hyperparameters.learning_rate": rate, "evaluation.kind": "none"}
        settings = [f"--set={name}={value}" for name, value in fields.items()]
        name = f"ahoy-{method}"
        command(server, "train", rows, "--method", method, "--epochs=2", f"--set=output_name={name}", *settings)
        command(server, "deploy", name, "--name", f"{method}-bot")
    assert [answer(server, f"{method}-bot") for method in ("prefix", "adapter")] == [AHOY, AHOY]
    assert answer(server, "smollm2-135m") != AHOY


def command(server: ServedStudio, *words: str | Path) -> None:
    asked = [TUNESMITH, *words, "--data-dir", server.home]
    done = subprocess.run(asked, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def answer(server: ServedStudio, model: str, *, tokens: int = 24, stream: bool = False) -> str:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", timeout=300)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": model, "messages": messages, "temperature": 0, "max_tokens": tokens, "stream": stream}
    told: Any = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    if stream:
        return "".join(part.choices[0].delta.content or "" for part in told)
    return str(told.choices[0].message.content)
