"""The page of the import from conversations: an export goes in, a dataset comes out."""

import zipfile
from pathlib import Path

from exports import CHATGPT, zipped, zipped_bytes
from nicegui.testing import User
from uploading import arrives

from core.studio import Studio
from storage.rows import Kind, Rows
from ui import routes


async def opened(user: User, data: bytes, name: str = "chatgpt.zip") -> None:
    await user.open(routes.CONVERSATIONS)
    await arrives(user, name, data, is_export=True)


async def test_all_conversations_become_a_dataset(user: User, studio: Studio) -> None:
    await opened(user, zipped_bytes())
    await user.should_see("12 examples from 12 conversations")
    await user.should_see("✓ ChatGPT · 12")
    await user.should_see("Chat 3")
    user.find(marker="anonymise").click()
    await user.should_see("24 × EMAIL")
    await user.should_see("…My address is [EMAIL_1]. Question 0?…")
    user.find(marker="dataset-name").clear().type("Support chats")
    user.find(marker="create-dataset").click()
    await user.should_see("Start Training Job")
    await user.should_see("Support chats")
    [dataset] = studio.datasets.all()
    assert (dataset.rows, dataset.kind, dataset.source_name) == (12, Kind.SUPERVISED, "chatgpt.zip")
    text = (studio.datasets.folder(dataset.id) / "rows.jsonl").read_text()
    assert "@mail.test-firm.de" not in text
    assert list(studio.home.uploads.iterdir()) == []


async def test_thumbs_become_pairs(user: User, studio: Studio) -> None:
    await opened(user, zipped_bytes(24))
    await user.should_see("24 examples")
    user.find(marker="result").elements.pop().set_value("pairs")
    await user.should_see("12 examples from 12 conversations")
    await user.should_see("12 conversations without such answers.")
    await user.should_see("REJECTED")
    user.find(marker="create-dataset").click()
    await user.should_see("Start Training Job")
    [dataset] = studio.datasets.all()
    assert dataset.kind is Kind.PREFERENCE
    row = next(iter(Rows(studio.datasets.folder(dataset.id)))).content
    assert (row["chosen"][0]["content"][:8], row["rejected"][0]["content"][:7]) == ("Answer 0", "No idea")


async def test_conversations_are_searched_and_ticked(user: User) -> None:
    await opened(user, zipped_bytes(24))
    await user.should_see("24 of 24 conversations chosen")
    user.find(marker="select-all").click()
    await user.should_see("0 of 24 conversations chosen")
    user.find(marker="search-conversations").type("chat 1")
    await user.should_see("Select all 12 found")
    user.find(marker="select-all").click()
    await user.should_see("12 of 24 conversations chosen")
    await user.should_see("12 examples from 12 conversations")
    user.find(marker="talk-10").click()
    await user.should_see("11 of 24 conversations chosen")
    user.find(marker="from").type("2024-01-01")
    await user.should_see("No conversation matches.")


async def test_too_few_examples_are_said_before(user: User) -> None:
    await opened(user, zipped_bytes(3))
    await user.should_see("At least 10 examples are needed.")
    [button] = user.find(marker="create-dataset").elements
    assert not button.enabled


async def test_options_that_make_no_sense_are_said(user: User) -> None:
    await opened(user, zipped_bytes())
    await user.should_see("12 examples")
    user.find(marker="minimum_characters").clear().type("none")
    await user.should_see("minimum_characters: Input should be a valid integer")
    user.find(marker="minimum_characters").clear().type("5000")
    await user.should_see("0 examples from 0 conversations")


async def test_what_is_no_export_is_said_and_gone(user: User, studio: Studio) -> None:
    await opened(user, b'{"instruction": "a", "output": "b"}\n' * 20, "alpaca.jsonl")
    await user.should_see("is no export of ChatGPT")
    await user.should_see("Upload an export")
    assert list(studio.home.uploads.iterdir()) == []


async def test_a_traversal_is_refused(user: User, tmp_path: Path) -> None:
    path = zipped(tmp_path / "e.zip", conversations=[CHATGPT])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.json", "{}")
    await opened(user, path.read_bytes())
    await user.should_see("leads out of its folder")


async def test_a_reload_finds_the_conversations_again(user: User, studio: Studio) -> None:
    await opened(user, zipped_bytes())
    await user.should_see("12 examples")
    [upload] = [folder.name for folder in studio.home.uploads.iterdir()]
    await user.open(routes.conversations(upload))
    await user.should_see("✓ ChatGPT · 12")
    user.find(marker="another-file").click()
    await user.should_see("Upload an export")
    assert list(studio.home.uploads.iterdir()) == []


async def test_a_zip_archive_is_not_uploaded_as_a_dataset(user: User) -> None:
    data = zipped_bytes()
    made = await user.http_client.post("/uploads", json={"name": "e.zip", "size": len(data)})
    answer = await user.http_client.put(f"/uploads/{made.json()['id']}?offset=0", content=data)
    assert (answer.status_code, "zip archive" in answer.json()["error"]) == (415, True)


async def test_an_address_that_is_over_offers_the_upload(user: User) -> None:
    await user.open(routes.conversations("0" * 32))
    await user.should_see("There is no upload")
