"""The checklist of the specifications: the docs say what the data says, and each state's name stands for one page."""

from spec_lines import DOCS, as_markdown, states


def test_the_docs_are_written_from_the_lines() -> None:
    assert DOCS.read_text(encoding="utf-8") == as_markdown(), "run: python tests/spec_lines.py"


def test_no_state_is_named_twice_and_no_line_is_looked_for_twice_on_a_page() -> None:
    names = [state.name for state in states()]
    assert len(names) == len(set(names))
    for state in states():
        lines = [(line.kind, line.name, line.of, line.wanted) for line in state.lines]
        assert [line for line in lines if lines.count(line) > 1] == []
