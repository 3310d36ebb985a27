"""The closer look at a version: known near-duplicates and leaks are found, everything else is left alone."""

from contextlib import closing
from pathlib import Path
from typing import Any

from core.checks import near_duplicates
from core.checks.closer import look_closer
from core.checks.suspicion import scores
from core.datasets.closer import CloserLook
from storage.child_process import Teller
from storage.rows import RowsWriter

QUESTIONS = (
    "How do I return a jacket that does not fit me?",
    "Which train goes from Vienna to Graz in the morning?",
    "Write a function that reverses a linked list in C.",
    "What is the capital of the Australian state of Victoria?",
    "Explain to a child why leaves change their colour in autumn.",
    "My order has been stuck at packed since last Monday.",
    "Summarise the plot of Hamlet in three sentences, please.",
    "How long do I have to boil an egg for a soft yolk?",
    "Translate “good night, sleep well” into Portuguese.",
    "Give me three names for a small bakery by the sea.",
)


def pair(question: str, answer: str, **more: Any) -> dict[str, Any]:
    system = {"role": "system", "content": "You are the very polite assistant of a large company. " * 20}
    messages = [system, {"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def answer_to(number: int) -> str:
    return " ".join(f"{word}{number}" for word in QUESTIONS[number % len(QUESTIONS)].split()) * 3


def different(count: int = 10) -> list[dict[str, Any]]:
    return [pair(QUESTIONS[number], answer_to(number)) for number in range(count)]


def version(folder: Path, rows: list[dict[str, Any]], first_line: int = 1) -> Path:
    folder.mkdir()
    with closing(RowsWriter(folder)) as writer:
        for line, row in enumerate(rows, start=first_line):
            writer.add(row, line)
    return folder


def found(folder: Path, evaluation: Path | None = None) -> list[tuple[int, str, str]]:
    look_closer(folder, evaluation, Teller())
    return [(one.line, one.code, one.detail) for one in CloserLook(folder).findings()]


def test_almost_the_same_is_found_and_named_by_its_line(tmp_path: Path) -> None:
    again = pair(QUESTIONS[2].upper(), answer_to(2).replace("reverses2", "reverted2", 1))
    detail = f"{likeness_of(again)} % the same as line 102"
    assert found(version(tmp_path / "ds", [*different(), again], first_line=100)) == [(110, "near_duplicate", detail)]


def likeness_of(again: dict[str, Any]) -> int:
    texts = [row["messages"][1]["content"] + " " + row["messages"][2]["content"] for row in (different()[2], again)]
    one, other = (near_duplicates.runs(near_duplicates.normal(text)) for text in texts)
    return int(near_duplicates.likeness(one, other) * 100)


def test_a_shared_system_message_or_an_exact_copy_is_no_near_duplicate(tmp_path: Path) -> None:
    assert found(version(tmp_path / "ds", [*different(), different()[4]])) == []


def test_what_the_evaluation_knows_is_a_leak(tmp_path: Path) -> None:
    evaluation = version(tmp_path / "eval", different(3), first_line=50)
    training = [
        *different()[3:],
        different()[0],
        pair(QUESTIONS[1], "Quite another answer."),
        pair(QUESTIONS[2], answer_to(2) + " Yes."),
        pair("Hi", "Hello."),
    ]
    leaks = found(version(tmp_path / "ds", training), evaluation)
    assert leaks[0] == (8, "leak_into_eval", "the same as line 50 of the evaluation")
    assert leaks[1:] == [
        (line, "leak_into_eval", f"the same question as in line {other} of the evaluation")
        for line, other in ((9, 51), (10, 52))
    ]
    assert CloserLook(tmp_path / "ds", evaluation).known().codes["leak_into_eval"].rows == [7, 8, 9]
    # What was found for one evaluation says nothing about another.
    assert CloserLook(tmp_path / "ds", tmp_path / "other").known() is None


def test_a_near_copy_of_the_evaluation_is_a_leak_too(tmp_path: Path) -> None:
    evaluation = version(tmp_path / "eval", different(2))
    near = pair(QUESTIONS[1].replace("morning", "evening"), answer_to(1))
    ((line, code, detail),) = found(version(tmp_path / "ds", [*different()[2:], near]), evaluation)
    assert (line, code) == (9, "leak_into_eval")
    assert detail.endswith("% the same as line 2 of the evaluation")


def test_every_kind_of_row_is_looked_at_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    mail = "Write to anna@firma.de"
    rows = [
        {"broken": mail, "code": "not_json"},
        {"text": mail},
        {"prompt": [{"role": "user", "content": mail}], "chosen": [], "rejected": []},
        {"messages": [{"role": "user", "content": "?"}], "item": {"to": [mail]}},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"arguments": mail}}]}]},
    ]
    personal = [line for line, code, _ in found(version(tmp_path / "ds", rows)) if code == "pii_suspected"]
    assert personal == [2, 3, 4, 5]


def test_the_most_suspicious_rows_come_first(tmp_path: Path) -> None:
    secret = pair("My key?", "It is sk-proj-" + "Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY")
    mail = pair("My address, was it anna@firma.de?", "Yes.")
    folder = version(tmp_path / "ds", [*different(), mail, secret])
    (folder / "findings.jsonl").write_text('{"row": 3, "line": 4, "code": "not_json", "detail": ""}\n')
    look_closer(folder, None, Teller())
    look = CloserLook(folder)
    assert [row for row, _ in look.most_suspicious(0, 3)] == [3, 11, 10]
    assert [row for row, _ in look.most_suspicious(1, 1)] == [11]
    assert look.most_suspicious(99, 5) == []
    assert CloserLook(tmp_path / "nothing").most_suspicious(0, 5) == []


def test_a_row_of_an_odd_length_is_a_little_suspicious() -> None:
    lengths = dict.fromkeys(range(50), 100) | {7: 90_000}
    assert [row for row, _ in scores([(3, "very_short")], lengths)] == [3, 7]


def test_nothing_is_found_in_no_rows_and_a_sample_says_so(tmp_path: Path) -> None:
    report = look_closer(version(tmp_path / "ds", []), None, Teller())
    assert (report.rows, report.codes, report.note) == (0, {}, "")
    assert "a sample of 5 of 9 rows" in report.model_copy(update={"rows": 9, "looked_at": 5}).note


def test_likeness_is_what_collisions_promise() -> None:
    base = "the quick brown fox jumps over the lazy dog and runs through the dark forest until the morning comes " * 3
    near, far = base.replace("lazy", "idle", 1), base[: len(base) // 3] + "something else entirely " * 9
    one, two, three = (near_duplicates.runs(near_duplicates.normal(text)) for text in (base, near, far))
    assert near_duplicates.likeness(one, two) > near_duplicates.ALIKE > near_duplicates.likeness(one, three)
    assert near_duplicates.likeness(one, one) == 1
    assert (near_duplicates.bands(one) == near_duplicates.bands(two)).any()
