"""A version's rows: written once, read by number, whatever they hold."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.rows import Rows, RowsWriter, encode, row_id

texts = st.text(st.characters(codec="utf-8"), max_size=40)
contents = st.fixed_dictionaries({"messages": st.lists(st.fixed_dictionaries({"role": texts, "content": texts}))})


def written(folder: Path, rows: list[dict[str, object]]) -> RowsWriter:
    with closing(RowsWriter(folder)) as writer:
        for number, content in enumerate(rows):
            writer.add(content, line=2 * number + 1)
    return writer


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(contents, max_size=12), start=st.integers(0, 14), count=st.integers(0, 14))
def test_a_page_holds_the_rows_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], start: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    written(folder, rows)
    found = Rows(folder)
    assert len(found) == len(rows)
    assert [row.content for row in found.page(start, count)] == rows[start : start + count]
    assert [row.content for row in found] == rows
    assert [row.line for row in found] == [2 * number + 1 for number in range(len(rows))]


def test_a_version_is_named_by_its_rows_not_by_where_they_stood(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first = written(tmp_path / "a", [{"text": "one"}, {"text": "two"}])
    with closing(RowsWriter(tmp_path / "b")) as elsewhere:
        elsewhere.add({"text": "one"}, line=10)
        elsewhere.add({"text": "two"}, line=20)
    other = written(tmp_path / "c", [{"text": "two"}, {"text": "one"}])
    assert first.sha256 == elsewhere.sha256 != other.sha256


def test_equal_rows_have_equal_names_whatever_the_order_of_their_keys() -> None:
    assert row_id(encode({"a": 1, "b": 2})) == row_id(encode({"b": 2, "a": 1})) != row_id(encode({"a": 1, "b": 3}))


def test_a_row_that_is_not_there_is_refused(tmp_path: Path) -> None:
    written(tmp_path, [{"text": "one"}])
    with pytest.raises(IndexError, match="no row 1"):
        list(Rows(tmp_path).at([1]))
