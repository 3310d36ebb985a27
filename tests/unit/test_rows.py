"""Files as people have them: what is understood, and the sentence for what is not."""

from pathlib import Path

import pytest

from core.datasets.library import Datasets
from core.errors import BadInput
from core.formats.conversations import conversations
from core.studio import Studio

CHAT = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}'


@pytest.mark.parametrize(
    ("text", "row_format"),
    [
        (CHAT, "chat"),
        ("\ufeff" + CHAT, "chat"),
        (f"[{CHAT}]", "chat"),
        (f"  \n[{CHAT}]", "chat"),
        ('{"prompt": "Hi", "completion": "Hello"}', "prompt-completion"),
        ('[{"instruction": "Hi", "input": "", "output": "Hello"}]', "alpaca"),
    ],
)
def test_known_formats_become_one_form(tmp_path: Path, text: str, row_format: str) -> None:
    path = tmp_path / "rows"
    path.write_text(text, encoding="utf-8")
    [(found, conversation)] = conversations(path)
    assert found == row_format
    assert conversation.messages == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def test_alpaca_input_and_system_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"instruction": "Sum", "input": "1 2", "output": "3", "system": "Be brief"}]')
    [(_, conversation)] = conversations(path)
    assert [message["content"] for message in conversation.messages] == ["Be brief", "Sum\n\n1 2", "3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Line 1 is not JSON"),
        (CHAT + "\nnonsense", "Line 2 is not JSON"),
        ("[1, 2", "JSON array is broken"),
        ("[1]", "Row 1 is a int"),
        ('{"question": "?"}', "The rows have question"),
        (CHAT + '\n{"messages": []}', "Line 2 does not end with an assistant message"),
        (CHAT.replace("Hello", "  "), "empty assistant message"),
        (CHAT.replace('"Hello"', "null"), "empty assistant message"),
        (CHAT.replace("user", "robot"), "role “robot”"),
        (CHAT.replace('"role": "user"', '"role": "system"'), "no user message"),
        (CHAT + '\n{"prompt": "a", "completion": "b"}', "Line 2 does not fit the chat format"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        list(conversations(path))


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CHAT.encode("utf-16"))
    with pytest.raises(BadInput, match="not UTF-8"):
        list(conversations(path))


def test_too_few_examples_are_refused_and_nothing_is_left(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "nine.jsonl"
    path.write_text("\n".join(CHAT.replace("Hi", f"Hi {n}") for n in range(9)))
    with pytest.raises(BadInput, match="9 examples; at least 10"):
        add(studio.datasets, path)
    assert list(studio.home.datasets.iterdir()) == []
    assert studio.datasets.all() == []


def test_the_same_content_is_the_same_dataset(studio: Studio, examples: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_text(examples.read_text())
    assert add(studio.datasets, examples) == add(studio.datasets, copy)
    assert len(studio.datasets.all()) == 1


def test_a_dataset_shows_its_pairs(studio: Studio, examples: Path) -> None:
    pairs = studio.datasets.preview(add(studio.datasets, examples), limit=2)
    assert [(pair.prompt, pair.answer) for pair in pairs] == [("Hello 0", "Hi 0!"), ("Hello 1", "Hi 1!")]


def test_the_starter_dataset_is_what_it_says(studio: Studio) -> None:
    starter = studio.datasets.add_starter(studio.people.actor())
    assert (starter.rows, starter.source_format) == (150, "chat")


def add(datasets: Datasets, path: Path) -> str:
    from core.people import Actor

    return datasets.add(path, name=None, actor=Actor("Alice", "alice@example.org")).id
