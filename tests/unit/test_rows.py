"""The library of datasets: what is added once is there once, and can be looked at."""

from pathlib import Path

import pytest

from core.datasets.library import Datasets
from core.errors import BadInput
from core.studio import Studio

CHAT = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}'


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
