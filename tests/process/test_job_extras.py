"""What a job may bring beside its numbers: prompts whose answers are followed, and a chat template of its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.datasets.tokens import Examination
from core.feed import Feed
from storage.events import Checkpoint, Failed, Finished, Metric, PromptAnswer, Warn
from storage.files import sha256_of
from storage.methods import Lora
from storage.token_folder import CACHE

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]

PROMPTS = ("Question 1: why is the sky blue?", "Something that nobody has asked before")
#: Unlike the model's own: other marks, and a system line in front of everything.
LETTERS = (
    "SYSTEM: be kind\n{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
)
ENDLESS = "{% for a in range(10000) %}{% for b in range(10000) %}{{ messages[0]['content'] }}{% endfor %}{% endfor %}"


def weights(run: Any) -> str:
    return sha256_of(run.folder.output / "adapter_model.safetensors")


def values(run: Any) -> list[tuple[int, Any, Any]]:
    metrics = (event for event in run.events if isinstance(event, Metric))
    return [(event.step, event.values.get("loss"), event.values.get("eval_loss")) for event in metrics]


def test_the_template_that_is_previewed_is_the_one_that_trains_and_samples_change_nothing(
    tiny_run: Callable[..., Any],
) -> None:
    # Dropout draws random numbers: a sample that drew one as well would show.
    asked: dict[str, Any] = {"chat_template": LETTERS, "epochs": 3, "method": Lora(dropout=0.1)}
    plain, sampled = tiny_run(**asked), tiny_run(**asked, sample_prompts=PROMPTS)
    spec = sampled.folder.spec()
    cache = sampled.folder.path.parents[1] / CACHE
    preview = Examination(spec.dataset, spec.model, 256, cache).first_rows(3)
    for run in (plain, sampled):
        assert isinstance(run.finish(), Finished), run.log()

    # Samples: before the first step and at the end at least, in order, and the run is the same to the bit.
    said = [event for event in sampled.events if isinstance(event, PromptAnswer)]
    saved = [event.step for event in sampled.events if isinstance(event, Checkpoint)]
    steps = sorted({event.step for event in said})
    assert steps[0] == 0
    assert steps[-1] == saved[-1]
    assert set(steps[1:]) <= set(saved)
    assert [(event.index, event.prompt) for event in said[:2]] == list(enumerate(PROMPTS))
    assert {event.index for event in said if event.step == steps[-1]} == {0, 1}
    first, last = (next(event.answer for event in said if event.step == step) for step in (steps[0], steps[-1]))
    assert first != last
    history = Feed(sampled.folder.path.parent, lambda update: None).history(sampled.folder.job_id)
    assert history.answers == tuple(sorted(said, key=lambda event: (event.index, event.step)))
    assert values(sampled) == values(plain)
    assert weights(sampled) == weights(plain)

    # Template: what was shown before is what the run has tokenised, and its output carries it.
    trained = Examination(spec.dataset, spec.model, 256, cache)
    assert sum(1 for _ in cache.glob("[!.]*")) == 1
    assert trained.first_rows(3) == preview
    text = "".join(piece.text for piece in preview[1].sequences[0])
    assert text.startswith("SYSTEM: be kind\n[user] Question 1")
    learned = [piece.text for piece in preview[1].sequences[0] if piece.trained]
    assert learned == ["Answer 1. Because of the light. <|im_end|>"]
    template = sampled.folder.output / "chat_template.jinja"
    assert template.read_text() == LETTERS
    assert "chat_template" not in json.loads((sampled.folder.output / "tokenizer_config.json").read_text())


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for message in messages %}{{ message['content'] }", "refuses it"),
        ("{{ messages[0].__class__.__mro__ }}{{ cycler.__init__.__globals__.os.popen('id').read() }}", "refuses it"),
        (ENDLESS, "takes longer than"),
        ("Hello", "cannot be told from its prompt"),
    ],
    ids=["broken", "breaks out", "endless", "says nothing"],
)
def test_a_template_that_cannot_be_used_is_shown_as_a_sentence(
    tiny_folder: Callable[..., Any], template: str, said: str
) -> None:
    run = tiny_folder(chat_template=template)
    spec = run.spec()
    shown = Examination(spec.dataset, spec.model, 256, run.path.parents[1] / CACHE).first_rows(1)
    assert shown[0].refused == "template_refuses"
    assert said in shown[0].detail


def test_a_run_with_a_template_that_refuses_the_rows_fails_before_it_loads_the_model(
    tiny_run: Callable[..., Any],
) -> None:
    run = tiny_run(chat_template="{{ raise_exception('Only on Sundays.') }}", sample_prompts=("Hello",))
    last = run.finish()
    assert isinstance(last, Failed), run.log()
    assert last.cause == "bad_dataset"
    assert "Only on Sundays" in last.message + last.evidence
    assert not [event for event in run.events if isinstance(event, Warn)]
