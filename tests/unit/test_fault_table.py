"""docs/faults.md promises one answer a row of the fault matrix, each with its test. Here the promise is looked at."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: As many as the matrix has.
ROWS = range(1, 51)
NAME = re.compile(r"`(\w+/\w+\.py)::(\w+)`")


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    answer: str
    tests: tuple[tuple[str, str], ...]


def rows() -> list[Row]:
    found = []
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines():
        if re.match(r"\| (\d|–)", line):
            number, _what, answer, shown = [cell.strip() for cell in line.strip("|").split("|")]
            found.append(Row(0 if number == "–" else int(number), answer, tuple(NAME.findall(shown))))
    return found


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_of_the_matrix_is_answered_once() -> None:
    assert sorted(row.number for row in rows() if row.number) == list(ROWS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_a_row_names_tests_that_exist_or_says_that_there_are_none(row: Row) -> None:
    assert [name for name in row.tests if name[1] not in functions_of(ROOT / "tests" / name[0])] == []
    assert row.tests or row.answer.startswith("Not yet: ")


def test_a_test_that_carries_a_rows_number_is_named_in_that_row() -> None:
    numbered = {
        (int(match[1]), f"{path.parent.name}/{path.name}", name)
        for folder in ("faults", "process")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
        for name in functions_of(path)
        if (match := re.match(r"test_(\d+)_", name))
    }
    named = {(row.number, *test) for row in rows() for test in row.tests}
    assert numbered - named == set()


def test_the_readme_names_tests_that_exist() -> None:
    promised = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "README.md").read_text())
    assert promised
    assert [path for path in promised if not (ROOT / path).exists()] == []
