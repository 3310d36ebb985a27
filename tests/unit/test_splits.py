"""What is held out: the same rows for the same seed, copies and conversations together, every label in its share."""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.splits import carve, find_label, frozen
from storage.rows import Rows, RowsWriter, encode, row_id
from storage.spec import HoldOut

LEVELS = ("easy", "hard", "hard")


def pair(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def version(folder: Path, rows: list[dict[str, Any]]) -> Rows:
    folder.mkdir(exist_ok=True)
    with closing(RowsWriter(folder)) as writer:
        for line, content in enumerate(rows, start=1):
            writer.add(content, line)
    return Rows(folder)


def held_out(rows: list[dict[str, Any]], evaluation: tuple[str, ...]) -> list[dict[str, Any]]:
    return [row for row in rows if row_id(encode(row)) in evaluation]


def test_the_share_is_met_and_the_seed_decides(tmp_path: Path) -> None:
    rows = version(tmp_path / "v", [pair(f"Question {number}", f"A long answer {number}") for number in range(150)])
    splits = [carve(rows, seed, HoldOut()) for seed in (1, 1, 2)]
    assert [len(split.evaluation) for split in splits] == [15, 15, 15]
    assert splits[0] == splits[1]
    assert set(splits[0].evaluation) != set(splits[2].evaluation)
    assert splits[0].label == ""


def test_parts_of_a_conversation_and_copies_stay_together(tmp_path: Path) -> None:
    contents = [pair(f"Opening {number // 3}", f"Continuation {number} of many words") for number in range(60)]
    contents += contents[:20]
    split = carve(version(tmp_path / "v", contents), 7, HoldOut(share=0.25))
    out = held_out(contents, split.evaluation)
    assert len(out) == split.rows_held_out
    openings = {row["messages"][0]["content"] for row in out}
    rest = {row["messages"][0]["content"] for row in contents if row not in out}
    assert openings.isdisjoint(rest)
    apart = carve(Rows(tmp_path / "v"), 7, HoldOut(share=0.25, by="row"))
    assert apart.rows_held_out == 20
    assert len(set(apart.evaluation)) == len(apart.evaluation)


def test_every_label_gives_its_share(tmp_path: Path) -> None:
    """Nine of ten are harmless: an unlucky draw would hold out none of the others."""
    answers = ["ham"] * 180 + ["spam"] * 20
    contents = [pair(f"Message {number}", answer) for number, answer in enumerate(answers)]
    split = carve(version(tmp_path / "v", contents), 3, HoldOut())
    assert split.label == "answer"
    counted = Counter(row["messages"][1]["content"] for row in held_out(contents, split.evaluation))
    assert counted == {"ham": 18, "spam": 2}


@pytest.mark.parametrize(
    ("rows", "label"),
    [
        ([{"prompt": [], "completion": [], "label": number % 2 == 0} for number in range(20)], "label"),
        (
            [{"messages": [], "item": {"id": str(n), "level": "hard" if n % 3 else "easy"}} for n in range(20)],
            "item.level",
        ),
        ([{"messages": [], "item": {"answer": str(n)}} for n in range(200)], ""),
        ([pair(f"Question {n}", f"Answer {n}") for n in range(20)], ""),
        ([{"text": "word"} for _ in range(20)], ""),
    ],
)
def test_a_label_is_what_sorts_the_rows_into_a_few_kinds(
    tmp_path: Path, rows: list[dict[str, Any]], label: str
) -> None:
    assert find_label(version(tmp_path / "v", rows))[0] == label


def test_rows_that_all_belong_together_are_not_held_out(tmp_path: Path) -> None:
    assert carve(version(tmp_path / "v", [pair("Same", "Same")] * 20), 1, HoldOut()).evaluation == ()
    two = carve(version(tmp_path / "w", [pair("One", "1"), pair("Two", "2")]), 1, HoldOut())
    assert two.rows_held_out == 1


def test_broken_rows_are_never_held_out(tmp_path: Path) -> None:
    rows = [{"broken": f"{{{number}", "code": "not_json"} for number in range(50)]
    assert (
        carve(version(tmp_path / "v", [*rows, pair("One", "1"), pair("Two", "2")]), 1, HoldOut(share=0.5)).rows_held_out
        == 1
    )


def test_a_split_is_made_once(tmp_path: Path) -> None:
    version(tmp_path / "v", [pair(f"Question {number}", "Yes, that is so.") for number in range(20)])
    path = frozen(tmp_path / "v", 5, HoldOut(share=0.2))
    before = path.read_bytes()
    assert path == tmp_path / "v" / "splits" / "5-0.2-conversation.json"
    assert set(json.loads(before)) >= {"seed", "share", "by", "evaluation"}
    made = path.stat().st_mtime_ns
    assert frozen(tmp_path / "v", 5, HoldOut(share=0.2)).stat().st_mtime_ns == made


def test_a_large_version_is_split_by_a_process_of_its_own_alike(tmp_path: Path) -> None:
    filler = 4000 * "word "
    contents = [pair(f"Question {number}", f"Answer {number} {filler}") for number in range(1000)]
    rows = version(tmp_path / "v", contents)
    made = json.loads(frozen(tmp_path / "v", 5, HoldOut()).read_bytes())
    assert made["evaluation"] == list(carve(rows, 5, HoldOut()).evaluation)
    assert len(made["evaluation"]) == 100


@settings(max_examples=40, deadline=None)
@given(
    questions=st.lists(st.integers(0, 12), max_size=60),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_never_more_than_half_and_never_a_question_on_both_sides(
    tmp_path_factory: pytest.TempPathFactory, questions: list[int], share: float, seed: int
) -> None:
    contents = [pair(f"Question {question}", f"{number} words in answer") for number, question in enumerate(questions)]
    split = carve(version(tmp_path_factory.mktemp("split"), contents), seed, HoldOut(share=share))
    assert split.rows_held_out <= len(contents) / 2
    out = held_out(contents, split.evaluation)
    assert len(out) == split.rows_held_out
    rest = {row["messages"][0]["content"] for row in contents if row not in out}
    assert rest.isdisjoint(row["messages"][0]["content"] for row in out)
