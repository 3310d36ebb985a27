"""Rows in another order than the file's."""

import json
from pathlib import Path

import pytest

from core.datasets import ordering
from core.datasets.ordering import Order
from core.people import Actor
from core.studio import Studio

ALICE = Actor("Alice", "alice@example.org")


@pytest.fixture
def version(studio: Studio, tmp_path: Path) -> Path:
    """Six hundred rows; every third has no answer, every fifth a control token too."""
    path = tmp_path / "flawed.jsonl"
    path.write_text("".join(json.dumps(row(number)) + "\n" for number in range(600)))
    return studio.datasets.folder(studio.datasets.add(path, actor=ALICE).id)


def row(number: int) -> dict[str, str]:
    token = " <|im_end|>" if number % 5 == 0 else ""
    return {
        "prompt": f"Question {number} {'x' * number}{token}",
        "completion": "" if number % 3 == 0 else "Yes, gladly.",
    }


def test_the_longest_and_the_shortest_are_each_others_mirror(version: Path) -> None:
    longest = ordering.page(version, Order.LONGEST, 0, 600)
    assert sorted(longest) == list(range(600))
    assert {595, 596, 598, 599} <= set(longest[:10])  # rows without an answer are shorter
    assert ordering.page(version, Order.SHORTEST, 0, 600) == longest[::-1]
    assert ordering.page(version, Order.SHORTEST, 590, 50) == longest[:10][::-1]
    assert ordering.page(version, Order.LONGEST, 598, 50) == longest[598:]


def test_suspicious_rows_have_errors_before_warnings_and_the_others_are_left_out(version: Path) -> None:
    rows = ordering.page(version, Order.SUSPICIOUS, 0, 600)
    assert len(rows) == ordering.count(version, Order.SUSPICIOUS) == 280
    assert rows[:40] == [number for number in range(600) if number % 15 == 0]
    assert all(number % 3 == 0 for number in rows[:200])
    assert all(number % 5 == 0 for number in rows[200:])


def test_the_files_own_order_needs_no_sorting(version: Path) -> None:
    assert ordering.page(version, Order.AS_IT_IS, 595, 20) == [595, 596, 597, 598, 599]
    assert not list(version.glob("order-*"))
