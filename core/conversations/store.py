"""The conversations of an export in one form, beside the upload they came from.

conversations.jsonl   one a line
summaries.jsonl       what the list shows of each, and where it lies
export.json           written last: what was found, and what was left out
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from core.conversations.conversation import Conversation, Turn
from core.errors import NotFound
from storage.files import fsync_path, read_json, write_json

_CONVERSATIONS, _SUMMARIES, _EXPORT = "conversations.jsonl", "summaries.jsonl", "export.json"
FIRST_WORDS = 160


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list. `day` is ISO 8601, empty where it is unknown; `up` and `down` count thumbs."""

    number: int
    title: str
    first: str
    day: str
    source: str
    answers: int
    up: int
    down: int
    branches: int
    offset: int
    is_outer: bool = False

    def has(self, words: str) -> bool:
        """Whether each of these words stands in the title or the first question."""
        text = f"{self.title} {self.first}".casefold()
        return all(word in text for word in words.casefold().split())


@dataclass(frozen=True, slots=True)
class Overview:
    """What an export holds. `left_out`: a reason → how often."""

    name: str
    sources: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)


class Store:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_there(self) -> bool:
        return (self._folder / _EXPORT).is_file()

    def overview(self) -> Overview:
        told = read_json(self._folder / _EXPORT)
        if told is None:
            raise NotFound("The conversations are not here any more. Choose the file again.")
        return Overview(**told)

    def summaries(self) -> list[Summary]:
        """All of them; so many that a person could look at them."""
        with (self._folder / _SUMMARIES).open("rb") as file:
            return [Summary(*orjson.loads(line)) for line in file]

    def conversations(self, numbers: Iterable[int] | None = None) -> Iterator[Conversation]:
        """Those of these numbers, in the export's order; None means all."""
        chosen = None if numbers is None else set(numbers)
        with (self._folder / _CONVERSATIONS).open("rb") as file:
            for summary in self.summaries():
                if chosen is None or summary.number in chosen:
                    file.seek(summary.offset)
                    yield Conversation.from_json(orjson.loads(file.readline()))


class StoreWriter:
    """Use as a context; without `finish` the store is not there."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file = (folder / _CONVERSATIONS).open("wb")
        self._offset = 0
        self._summaries: list[Summary] = []

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._summaries)

    def add(self, conversation: Conversation) -> None:
        line = orjson.dumps(conversation.to_json()) + b"\n"
        self._summaries.append(_summary(conversation, len(self._summaries), self._offset))
        self._file.write(line)
        self._offset += len(line)

    def finish(self, left_out: dict[str, int]) -> Overview:
        """Outer entries stay only where there are no others of their source."""
        self._file.close()
        inner = {summary.source for summary in self._summaries if not summary.is_outer}
        kept = [summary for summary in self._summaries if not summary.is_outer or summary.source not in inner]
        if outer := len(self._summaries) - len(kept):
            left_out = left_out | {"hold what other entries say in more detail": outer}
        sources: dict[str, int] = {}
        for summary in kept:
            sources[summary.source] = sources.get(summary.source, 0) + 1
        with (self._folder / _SUMMARIES).open("wb") as file:
            file.writelines(orjson.dumps(_row(summary)) + b"\n" for summary in kept)
        fsync_path(self._folder / _SUMMARIES)
        fsync_path(self._folder / _CONVERSATIONS)
        overview = Overview(self._name, sources, left_out)
        write_json(self._folder / _EXPORT, asdict(overview))
        return overview


def _row(summary: Summary) -> list[Any]:
    return list(asdict(summary).values())


def _summary(conversation: Conversation, number: int, offset: int) -> Summary:
    main = conversation.main
    first = next((turn.text for turn in main if turn.role == "user"), "")
    return Summary(
        number=number,
        title=conversation.title,
        first=" ".join(first[: 4 * FIRST_WORDS].split())[:FIRST_WORDS],
        day=conversation.when.date().isoformat() if conversation.when else "",
        source=conversation.source,
        answers=sum(turn.role == "assistant" for turn in main),
        up=_thumbs(conversation.turns, 1),
        down=_thumbs(conversation.turns, -1),
        branches=len(conversation.paths) - 1,
        offset=offset,
        is_outer=conversation.is_outer,
    )


def _thumbs(turns: Iterable[Turn], rating: int) -> int:
    return sum(turn.rating == rating for turn in turns)
