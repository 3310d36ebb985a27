"""The upload page: what a file is, columns mapped by hand, rows written by hand, and the import."""

import gzip
import json
from pathlib import Path

import pytest
from hub_standin import HubStandIn, serving
from nicegui.testing import User
from uploading import arrives

from core.studio import Studio
from storage.rows import Kind
from storage.tables import Dataset

UPLOAD = "/dashboard/datasets/upload"
EXAMPLES = Path(__file__).parents[2] / "examples"


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def imported(user: User, studio: Studio, name: str) -> Dataset:
    """The page has gone on to the dataset's."""
    user.find("import").click()
    await user.should_see("Every row is fine")
    [found] = [dataset for dataset in studio.datasets.all() if dataset.name == name]
    assert user.back_history[-1].endswith(found.id)
    return found


async def test_the_page_explains_the_format_in_the_words_of_its_kind(user: User) -> None:
    await user.open(UPLOAD)
    for text in (
        "Upload Supervised Training Dataset",
        "Provide labeled examples to teach your AI model through supervised learning",
        "Upload a file with input→output pairs for supervised learning",
        "Minimum 10 labeled examples required",
        "Supervised Learning Format",
        "Each example shows: INPUT (user question) → OUTPUT (desired response)",
        "Format Clarity:",
        "User messages",
    ):
        await user.should_see(text)
    await user.open(f"{UPLOAD}?kind=preference")
    await user.should_see("Upload Preference Training Dataset")
    await user.open(f"{UPLOAD}?kind=reinforcement")
    await user.should_see("Upload Reinforcement Training Dataset")


async def test_alpaca_rows_are_known_and_imported(user: User, studio: Studio) -> None:
    await user.open(UPLOAD)
    await arrives(user, "alpaca.jsonl", (EXAMPLES / "alpaca.jsonl").read_bytes())
    await user.should_see("What the first 5 rows become")
    await user.should_see("Bonjour")
    found = await imported(user, studio, "alpaca")
    assert (found.kind, found.rows, found.source_format) == (Kind.SUPERVISED, 12, "alpaca")
    assert list(studio.home.uploads.iterdir()) == []


async def test_sharegpt_preference_pairs_are_known_from_any_page_and_packed(user: User, studio: Studio) -> None:
    await user.open(UPLOAD)
    await arrives(user, "pairs.jsonl.gz", gzip.compress((EXAMPLES / "preferences.jsonl").read_bytes()))
    await user.should_see("REJECTED")
    await user.should_see("This is a dataset of another kind than Supervised: Preference.")
    assert (await imported(user, studio, "pairs")).kind is Kind.PREFERENCE


async def test_questions_and_answers_become_graded_prompts_by_the_mapper(user: User, studio: Studio) -> None:
    await user.open(f"{UPLOAD}?kind=reinforcement")
    await arrives(user, "word-problems.jsonl", (EXAMPLES / "word-problems.jsonl").read_bytes())
    await user.should_see("It is not clear what the columns are.")
    (answer,) = user.find("column-answer").elements
    assert answer.value == "item."
    await user.should_see("ITEM")
    found = await imported(user, studio, "word-problems")
    assert found.kind is Kind.REINFORCEMENT
    assert set(next(iter(studio.datasets.rows(found.id))).content["item"]) == {"answer"}


async def test_a_mapping_that_lacks_a_column_cannot_be_imported(user: User) -> None:
    await user.open(UPLOAD)
    await arrives(user, "odd.jsonl", lines(*({"frage": f"Was ist {n}?", "antwort": str(n)} for n in range(12))))
    await user.should_see("What is in which column?")
    (question,) = user.find("column-frage").elements
    question.value = "ignore"
    (answer,) = user.find("column-antwort").elements
    answer.value = "completion"
    await user.should_see("No column has the role prompt")
    (button,) = user.find("import").elements
    assert not button.enabled
    question.value = "prompt"
    await user.should_see("Was ist 0?")
    assert button.enabled


async def test_too_few_rows_are_refused_and_the_file_stays(user: User, studio: Studio) -> None:
    await user.open(UPLOAD)
    await arrives(user, "few.jsonl", lines(*({"prompt": f"Q{n}", "completion": f"A{n}"} for n in range(3))))
    await user.should_see("What the first 3 rows become")
    user.find("import").click()
    await user.should_see("at least 10")
    assert studio.datasets.all() == []
    user.find("Read it in another way").click()
    await user.should_see("What the first 3 rows become")


async def test_what_is_no_dataset_says_so(user: User) -> None:
    await user.open(UPLOAD)
    await arrives(user, "notes.jsonl", b"Dear diary,\ntoday it rained.\n")
    await user.should_see("cannot be read")
    user.find("Choose another file").click()
    await user.should_see("Upload a file with input→output pairs")


async def test_a_reload_finds_the_file_again(user: User, studio: Studio) -> None:
    await user.open(UPLOAD)
    await arrives(user, "alpaca.jsonl", (EXAMPLES / "alpaca.jsonl").read_bytes())
    await user.should_see("Bonjour")
    [upload] = studio.home.uploads.iterdir()
    await user.open(f"{UPLOAD}?upload={upload.name}")
    await user.should_see("Bonjour")
    await user.open(f"{UPLOAD}?upload={'0' * 32}")
    await user.should_see("It was cancelled or has expired")


async def test_rows_written_by_hand_are_looked_at_like_a_file(user: User, studio: Studio) -> None:
    await user.open(f"{UPLOAD}?way=paste")
    user.find("check-rows").click()
    await user.should_see("There is nothing to check yet.")
    user.find("One by one").click()
    user.find("written-1-prompt").type("Where is my order?")
    user.find("written-1-completion").type("It left our warehouse.")
    user.find("check-rows").click()
    await user.should_see("What the first row becomes")
    await user.should_see("It left our warehouse.")


async def test_without_opened_folders_the_machine_is_closed(user: User) -> None:
    await user.open(f"{UPLOAD}?way=machine")
    await user.should_see("No folder is open for import")


async def test_a_file_of_the_hub_is_fetched_and_its_columns_asked_for(
    user: User, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (EXAMPLES / "word-problems.jsonl").read_bytes()
    with serving(HubStandIn(files={"acme/problems": {"data/train.jsonl": rows, "logo.png": b""}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        await user.open(f"{UPLOAD}?kind=reinforcement&way=hub")
        user.find("hub-search").type("problems")
        user.find("hub-find").click()
        await user.should_see("acme/problems")
        user.find("hub-acme/problems").click()
        await user.should_see("data/train.jsonl")
        user.find("hub-data/train.jsonl").click()
        await user.should_see("It is not clear what the columns are.")
    found = await imported(user, studio, "problems train")
    assert (found.kind, found.rows) == (Kind.REINFORCEMENT, 12)
    assert found.source_name.startswith("hf://datasets/acme/problems@")


async def test_a_file_of_an_opened_folder_needs_no_upload(
    user: User, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNESMITH_IMPORT_ROOTS", str(EXAMPLES))
    await user.open(f"{UPLOAD}?way=machine")
    user.find(f"file-{EXAMPLES}").click()
    await user.should_see("alpaca.jsonl")
    user.find("file-alpaca.jsonl").click()
    await user.should_see("Bonjour")
    await imported(user, studio, "alpaca")
    assert (EXAMPLES / "alpaca.jsonl").exists()
