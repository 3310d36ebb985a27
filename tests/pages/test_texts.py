"""Pages in another language: in an invented one, in which every listed text is bracketed, nothing stays English."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from exports import zipped_bytes
from nicegui import Client, ui
from nicegui.testing import User
from uploading import arrives

from core.studio import Studio
from storage.spec import JobSpec, Objective
from storage.status import Cause, Status
from storage.tables import Dataset
from tests.pages.test_compare import trained
from tests.pages.test_models import finished
from tests.pages.test_reinforcement import step_of
from tests.pages.test_upload_dataset import EXAMPLES
from ui import routes
from ui.texts import LOCALES, use

VALUE = re.compile(r"(\{\w*(?::[^{}]*)?\})")
#: What of an element's properties is read by people.
READ = ("label", "placeholder", "aria-label", "title", "hint", "suffix", "prefix", "error-message", "words", "pages")
#: What is data, or the same in every language: names, addresses, ids, figures with their units, dates.
DATA = re.compile(
    r"""
    \{\w+\} | ft-<timestamp>-<random-string> | [\w.+-]+@[\w.-]+ | https?://\S+ | [\w~.-]*/[\w./~%-]+ | <[\w/ -]+>
    | \bv?\d[\d.,]*(?:e-?\d+)?\s?(?:B|KB|MB|GB|TB|ms|min|s|h|K|M|x)?\b
    | \b\w+[-_.]\w[\w.-]*\b
    | \b(?:Tunesmith|Alice|Nobody|Tiny|tiny|greetings|flawed|sums|Calm|Bold|polite-bot|support|output)\b
    | \b(?:MIT|Apache|SmolLM2|HuggingFaceTB|Instruct|duplicate)\b
    | \b(?:OpenAI|Alpaca|ShareGPT|TRL|ChatGPT|Claude|LangSmith|Langfuse|Open\ WebUI|Transformers|llama\.cpp|vLLM)\b
    | \b(?:MLflow|TensorBoard|trackio|wandb|prompt|chosen|rejected|messages|completion)\b
    | \b(?:JSONL?|YAML|CSV|Parquet|curl|CPU|Linux|SFT|GB|chat)\b
    | \b(?:auto|best|last|linear|cosine|constant|sigmoid|hinge|ipo|robust|grpo|bnpo|dapo|assistant|user|system)\b
    | \b[\da-f]{8,}\b | \b(?=\w*\d)(?=\w*[a-z])\w{13}\b
    | \b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b
    | \b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b
    | \b(?:Hello|Hi)\s\d+ | \bCtrl\sK\b | <extra> | %\{y:.4g\}
    """,
    re.VERBOSE,
)


@pytest.fixture
def invented() -> Iterator[None]:
    """A language in which every text stands in brackets. Named after `user`, which begins with English."""
    use({text: bracketed(text) for text in json.loads((LOCALES / "en.json").read_text())})
    yield
    use({})


def bracketed(text: str) -> str:
    """`{count} chosen` becomes `{count}⟦ chosen⟧`: values stay outside, so that a word among them is found too."""
    forms = (VALUE.split(form) for form in text.split(" | "))
    return " | ".join(
        "".join(f"⟦{part}⟧" if at % 2 == 0 and part else part for at, part in enumerate(form)) for form in forms
    )


ALPACA = EXAMPLES / "alpaca.jsonl"
#: Stored, in English: what a run changed of what was asked, what a deployment has gone through.
STORED = re.compile(r"about \d+ training tokens .* steps an epoch|Created by Alice\.")


def english(client: Client, rows: str = "(?!)") -> set[str]:
    """Whatever is drawn, or told to a screen reader, with words outside the brackets that are not data.

    `rows`: a pattern of what comes out of a dataset or out of what is stored about it.
    """
    left = set()
    for text in drawn(client):
        outside = DATA.sub("", re.sub(r"⟦[^⟦⟧]*⟧", " ", STORED.sub("", re.sub(rows, "", text))))
        if re.search(r"[A-Za-z]{2,}", outside):
            left.add(text)
    return left


def drawn(client: Client) -> Iterator[str]:
    for element in list(client.elements.values()):
        if element.tag in ("script", "style", "pre"):  # code and rows of a dataset
            continue
        yield from strings(element._text)
        for key in READ:
            yield from strings(element._props.get(key))
        if isinstance(element, ui.select):
            yield from strings([option["label"] for option in element._props["options"]])
        if isinstance(element, ui.table):
            yield from strings([[column["label"] for column in element.columns], element.rows])
        if isinstance(element, ui.plotly):
            yield from strings(
                [trace.get(key) for trace in element.figure["data"] for key in ("name", "hovertemplate")]
            )
        for slot in element.slots.values():
            yield from of_template(slot.template or "")


def of_template(template: str) -> Iterator[str]:
    """The words of a Vue template: between its tags, and in attributes that are read."""
    yield from re.findall(
        r"\b(?:aria-label|data-label|title|placeholder)=\"([^\"]*)\"", re.sub(r":[\w-]+=\"[^\"]*\"", "", template)
    )
    yield from (re.sub(r"\{\{.*?\}\}", "", text) for text in re.findall(r">([^<>]+)<", template))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield "" if value.startswith("{") else value
    elif isinstance(value, dict):
        for key, part in value.items():
            if key not in ("icon", "href", "tone", "url", "clone_url", "pill", "ask", "name", "id", "field"):
                yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


async def left_on(user: User, *addresses: str, rows: str = "(?!)") -> dict[str, set[str]]:
    """Address → what stays English there; empty where nothing does."""
    left = {}
    for address in addresses:
        await user.open(address)
        left[address] = english(user.client, rows)
    return {address: texts for address, texts in left.items() if texts}


async def test_an_empty_studio_teaches_in_the_language_in_use(user: User, invented: None) -> None:
    kinds = [
        page(kind) for kind in ("supervised", "reinforcement", "preference") for page in (routes.jobs, routes.datasets)
    ]
    nothing_fits = [routes.jobs(search="zzz"), routes.datasets(q="zzz"), routes.models(q="zzz")]
    empty = [routes.DASHBOARD, *kinds, routes.models("custom"), routes.DEPLOYMENTS, routes.COMPARE, *nothing_fits]
    assert await left_on(user, *empty) == {}


async def test_what_is_begun_is_asked_for_in_the_language_in_use(user: User, invented: None, asked: JobSpec) -> None:
    wizard = [
        routes.wizard(objective=objective, step=step) for objective in ("sft", "dpo", "rft") for step in (1, 2, 3)
    ]
    ways = [routes.dataset_upload(way=way) for way in ("", "paste")] + [routes.dataset_upload("preference")]
    models = [routes.add_model(way) for way in ("upload", "folder", "cache")]
    assert await left_on(user, *wizard, *ways, *models, routes.conversations(), routes.SETTINGS) == {}


async def test_what_a_job_would_take_is_estimated(user: User, invented: None, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=studio.people.actor())
    await user.open(routes.wizard(clone=job.id, step=3))
    await user.should_see("are free.⟧")
    assert english(user.client) == set()


async def test_jobs_and_what_they_leave_behind(user: User, invented: None, studio: Studio, asked: JobSpec) -> None:
    first = trained(studio, asked, "Calm", 3.0, 2.0, answer="Hi 7")
    second = trained(studio, asked, "Bold", 3.0, 1.0, rate=1e-3)
    tabs = [routes.dataset(asked.dataset, tab=tab) for tab in ("", "rows", "findings", "tokens", "versions")]
    studio.deployments.create("support", "tiny", actor=studio.people.actor())
    pages = [routes.DASHBOARD, routes.jobs(), routes.job(first.id), routes.compare([first.id, second.id])]
    pages += [routes.datasets(), *tabs, routes.models(), routes.DEPLOYMENTS, routes.deployment("support")]
    assert await left_on(user, *pages) == {}


async def test_what_is_not_there_is_told_in_the_language_in_use(user: User, invented: None) -> None:
    """Core says it: its errors carry their template."""
    for address, told in (
        (routes.dataset("nothing"), "⟦There is no dataset “⟧nothing⟦”. "),
        (routes.job("nothing"), "⟦There is no job “⟧nothing⟦”. "),
        (routes.deployment("nothing"), "⟦There is no deployment “⟧nothing⟦”. "),
        ("/dashboard/nowhere", "⟦Nothing answers at ⟧/dashboard/nowhere⟦. "),
    ):
        assert told in (await user.http_client.get(address)).text


async def test_what_becomes_of_jobs(user: User, invented: None, studio: Studio, asked: JobSpec) -> None:
    good = finished(studio, asked)
    bad = trained(studio, asked, "Calm", 3.0, 2.0)
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.FAILED, cause=Cause.NAN_LOSS, message="loss=nan", evidence="loss=nan")
    pages = [routes.job(good), routes.job(bad.id), routes.DASHBOARD, routes.jobs(), routes.models("custom")]
    pages += [
        routes.custom_model(good),
        routes.wizard(start=good),
        routes.deployments(good),
        routes.compare([good, bad.id]),
    ]
    assert await left_on(user, *pages, rows="loss=nan") == {}


async def test_what_is_found_in_a_dataset(user: User, invented: None, studio: Studio, flawed: Dataset) -> None:
    tabs = [routes.dataset(flawed.id, tab=tab) for tab in ("", "rows", "findings", "tokens", "versions")]
    code = routes.dataset(flawed.id, tab="findings", code="not_json")
    pages = [routes.datasets(), *tabs, code, routes.wizard(dataset=flawed.id, step=2)]
    rows = r"(Question|Answer) \d+( long)*|Message 2 .*|Unterminated .*"  # the last two lie in the report, in English
    assert await left_on(user, *pages, rows=rows) == {}


async def test_what_arrives_is_looked_at(user: User, invented: None) -> None:
    await user.open(routes.dataset_upload())
    await arrives(user, "alpaca.jsonl", ALPACA.read_bytes())
    await user.should_see("Bonjour")
    texts = strings([json.loads(line) for line in ALPACA.read_text().splitlines()])
    rows = "|".join(re.escape(line) for text in texts if text for line in text.splitlines())
    assert english(user.client, rows) == set()
    await user.open(routes.conversations())
    await arrives(user, "chatgpt.zip", zipped_bytes(), is_export=True)
    await user.should_see("Chat 3")
    assert english(user.client, r"Chat \d+|My address is .*|Question \d+") == set()


async def test_rewards_and_graders(user: User, invented: None, studio: Studio, asked: JobSpec, sums: Dataset) -> None:
    grader = {"type": "numeric_answer", "reference": "{{ item.answer }}"}
    spec = JobSpec.model_validate(
        asked.model_dump() | {"objective": "rft", "dataset": sums.id, "rft": {"grader": grader}}
    )
    job = studio.runs.submit(spec, actor=studio.people.actor())
    attempt = studio.runs.folder(job.id).attempt(1)
    attempt.claim("t" * 32)
    attempt.rollouts.write_bytes(step_of(1, prompts=6))
    pages = [
        routes.job(job.id, Objective.RFT),
        routes.jobs("reinforcement"),
        routes.wizard(objective="rft", clone=job.id, step=3),
    ]
    rows = r"Step 1, prompt .*|What is .*|right [\d.]+|There is no item.total.|easy"
    assert await left_on(user, *pages, rows=rows) == {}
