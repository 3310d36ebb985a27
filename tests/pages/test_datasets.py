"""The datasets list: the words of its kinds, search and paging on the server, and what it says while it is empty."""

import json
from pathlib import Path

from nicegui.testing import User

from core.people import Actor
from core.studio import Studio

ALICE = Actor("Alice", "alice@example.org")
DATASETS = "/dashboard/datasets"
EXAMPLES = Path(__file__).parents[2] / "examples"


def added(studio: Studio, folder: Path, name: str, count: int = 12) -> str:
    path = folder / f"{name}.jsonl"
    rows = ({"prompt": f"{name} {number}", "completion": f"Answer {number}"} for number in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return studio.datasets.add(path, name=name, actor=ALICE).id


async def test_an_empty_list_teaches(user: User) -> None:
    await user.open(DATASETS)
    await user.should_see("Supervised Training Datasets")
    await user.should_see("Manage labeled examples for supervised fine-tuning (input → output pairs)")
    await user.should_see("No labeled examples yet")
    await user.should_see("INPUT (user question) → OUTPUT (desired response)")
    for action in ("Upload Labeled Examples", "Start Training Job", "Import from Conversations"):
        await user.should_see(action)


async def test_a_card_says_what_a_dataset_is(user: User, studio: Studio, tmp_path: Path) -> None:
    added(studio, tmp_path, "Customer Support Data", 150)
    await user.open(DATASETS)
    for text in (
        "Customer Support Data",
        "✓ Supervised",
        "Labeled Examples:",
        "150 pairs",
        "Size:",
        "Format:",
        "JSONL",
    ):
        await user.should_see(text)


async def test_each_kind_has_its_own_list(user: User, studio: Studio) -> None:
    studio.datasets.add(EXAMPLES / "alpaca.jsonl", actor=ALICE)
    studio.datasets.add(EXAMPLES / "preferences.jsonl", actor=ALICE)
    await user.open(f"{DATASETS}?kind=preference")
    await user.should_see("Preference Training Datasets")
    await user.should_see("✓ Preference")
    await user.should_see("12 pairs")
    await user.should_not_see("alpaca")
    await user.open(f"{DATASETS}?kind=nonsense")
    await user.should_see("alpaca")


async def test_search_narrows_and_the_address_keeps_it(user: User, studio: Studio, tmp_path: Path) -> None:
    added(studio, tmp_path, "Refunds")
    added(studio, tmp_path, "Shipping")
    await user.open(f"{DATASETS}?q=refund")
    await user.should_see("Refunds")
    await user.should_not_see("Shipping")
    user.find("search").clear().type("nothing like it")
    await user.should_see("No datasets match")


async def test_pages_are_cut_on_the_server(user: User, studio: Studio, tmp_path: Path) -> None:
    for number in range(26):
        added(studio, tmp_path, f"Set {number:02}")
    await user.open(DATASETS)
    await user.should_see("1–24 of 26")
    user.find("Next").click()
    await user.should_see("25–26 of 26")
    await user.open(f"{DATASETS}?page=2")
    await user.should_see("25–26 of 26")
