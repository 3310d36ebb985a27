"""The dataset page: the verdict, the rows, what was found in them, and new versions made by buttons and by hand."""

import json
from pathlib import Path

from nicegui.testing import User

from core.people import Actor
from core.studio import Studio
from storage.spec import JobSpec
from storage.tables import Dataset

ALICE = Actor("Alice", "alice@example.org")


def page(dataset: Dataset, **state: str) -> str:
    return f"/dashboard/datasets/{dataset.id}?" + "&".join(f"{name}={value}" for name, value in state.items())


async def test_errors_come_first(user: User, flawed: Dataset) -> None:
    await user.open(page(flawed))
    await user.should_see("2 rows with errors: to be dropped or mended before training")
    await user.should_see("An empty message")
    await user.should_see("Not JSON")
    await user.should_see("The same example again")
    await user.open(page(flawed, tab="findings", code="not_json"))
    await user.should_see("Row 11")
    await user.should_see("line 11")


async def test_errors_are_dropped_after_a_look_at_them(user: User, studio: Studio, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="findings"))
    user.find("drop-errors").click()
    await user.should_see("Version 1 stays as it is")
    await user.should_see("− Row 6")
    user.find("confirm-fix").click()
    await user.should_see("What version 2 changed of version 1")
    await user.should_see("2 rows with errors dropped")
    newest, oldest = studio.datasets.versions(flawed.id)
    assert (newest.rows, newest.errors, oldest.rows) == (29, 0, 31)
    await user.open(page(oldest))
    await user.should_see("This is version 1; the newest is version 2.")


async def test_a_closer_look_finds_what_an_import_does_not(user: User, studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    rows = [{"prompt": f"Letter {n}", "completion": f"It went to number {n} of the long street."} for n in range(12)]
    rows[4]["completion"] = "Write to ada.lovelace@analytical-engine.org, she will know."
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    letters = studio.datasets.add(path, actor=ALICE)
    await user.open(page(letters, tab="findings"))
    user.find("look-closer").click()
    await user.should_see("Personal data (email, phone, card)")
    await user.open(page(letters, tab="rows", order="suspicious"))
    assert await first_row(user) == "Row 5"


async def test_rows_are_shown_as_pairs_and_jumped_to(user: User, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="rows"))
    for text in ("Row 1", "INPUT", "Question 0", "OUTPUT", "Answer 0", "1–20 of 31"):
        await user.should_see(text)
    await user.open(page(flawed, tab="rows", row="29"))
    await user.should_see("29–31 of 31")
    await user.open(page(flawed, tab="rows", row="9999"))
    await user.should_see("31–31 of 31")


async def test_the_longest_the_shortest_and_the_most_suspicious_first(user: User, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="rows", order="longest"))
    assert await first_row(user) == "Row 30"
    await user.open(page(flawed, tab="rows", order="shortest"))
    assert await first_row(user) == "Row 11"
    await user.open(page(flawed, tab="rows", order="suspicious"))
    assert await first_row(user) == "Row 6"


async def first_row(user: User) -> str:
    assert user.client
    cards = [element for element in user.client.elements.values() if "ts-row-card" in element.classes]
    return str(cards[0].props["aria-label"])


async def test_a_row_mended_by_hand_is_a_new_version(user: User, studio: Studio, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="rows", row="6"))
    user.find("edit-6").click()
    await user.should_see(marker="field-1")
    user.find("field-1").type("Now there is an answer.")
    user.find("save-row").click()
    await user.should_see("1 row with errors")
    await user.should_see("Now there is an answer.")
    newest = studio.datasets.versions(flawed.id)[0]
    assert (newest.version, newest.errors) == (2, 1)
    assert user.back_history[-1].endswith("row=6")


async def test_json_that_is_no_row_is_not_saved(user: User, studio: Studio, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="rows", row="11"))
    user.find("edit-11").click()
    await user.should_see(marker="save-row")
    user.find("save-row").click()
    await user.should_see("That is not JSON")
    user.find("row-json").clear().type('{"prompt": "Question 10", "completion": "Answer 10"}')
    user.find("check-row").click()
    await user.should_see("Nothing is wrong with this row.")
    assert len(studio.datasets.versions(flawed.id)) == 1


async def test_rows_are_added_and_deleted(user: User, studio: Studio, flawed: Dataset) -> None:
    await user.open(page(flawed, tab="rows"))
    user.find("add-rows").click()
    await user.should_see(marker="new-rows")
    user.find("new-rows").type('{"prompt": "One more", "completion": "Of course"}')
    user.find("save-rows").click()
    await user.should_see("32–32 of 32")
    newest = studio.datasets.versions(flawed.id)[0]
    assert newest.rows == 32


async def test_jobs_and_datasets_know_each_other(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    dataset = studio.datasets.get(asked.dataset)
    await user.open(page(dataset, tab="jobs"))
    await user.should_see(job.output_name)
    await user.should_see("Trained on it")
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    links = [element.props.get("href") for element in user.find(dataset.name).elements]
    assert f"/dashboard/datasets/{dataset.id}" in links


async def test_a_download_is_an_attachment_with_every_row(user: User, flawed: Dataset) -> None:
    answer = await user.http_client.get(f"/dashboard/datasets/{flawed.id}/download?format=tunesmith")
    assert answer.headers["content-disposition"].startswith('attachment; filename="flawed-v1.jsonl"')
    assert len(answer.text.splitlines()) == 31
    refused = await user.http_client.get(f"/dashboard/datasets/{flawed.id}/download?format=openai")
    assert (refused.status_code, "Row 11 could not be read" in refused.text) == (400, True)
    assert (await user.http_client.get("/dashboard/datasets/nobody/download")).status_code == 404


async def test_a_dataset_that_is_not_there_says_so(user: User) -> None:
    await user.open("/dashboard/datasets/ds-nobody")
    await user.should_see("There is no dataset “ds-nobody”.")
