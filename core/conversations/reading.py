"""An export becomes a store of conversations, streamed: one conversation is in memory."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from core.conversations import transcript
from core.conversations.chatgpt import rating
from core.conversations.conversation import Conversation
from core.conversations.export_file import Export, Part, open_export
from core.conversations.sources import source_of
from core.conversations.store import Overview, StoreWriter
from core.formats.problems import FileProblem
from core.formats.raw import Raw
from storage.rows import Content

#: More of them are nobody's conversations, and the list of them is kept in memory.
MOST_CONVERSATIONS = 500_000
MOST_RATINGS = 2_000_000
_TELL_EVERY_S = 0.1
_NO_ANSWER = "have no answer"
_UNKNOWN = "are of no known kind"
_BROKEN = "cannot be read"
_TOO_LONG = "are longer than 8 MB"


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes; `found` conversations so far."""

    done: int = 0
    total: int = 0
    found: int = 0


OnProgress = Callable[[Progress], None]


def read_export(path: Path, into: Path, name: str = "", on_progress: OnProgress = lambda _: None) -> Overview:
    """Fills the folder `into`. Raises FileProblem where `path` holds no conversations."""
    name = name or path.name
    with open_export(path, name) as export, StoreWriter(into, name) as store:
        reader = _Reader(export, store, on_progress)
        reader.run()
        if not len(store):
            raise FileProblem("not_conversations", reader.objection(name))
        return store.finish(dict(reader.left_out))


class _Reader:
    def __init__(self, export: Export, store: StoreWriter, on_progress: OnProgress) -> None:
        self._export = export
        self._store = store
        self._on_progress = on_progress
        self._told = 0.0
        self.left_out: Counter[str] = Counter()
        self._keys: list[str] = []
        self._broken = ""

    def run(self) -> None:
        ratings = _ratings(self._export.feedback)
        for part in self._export.parts:
            for conversation in self._conversations(part, ratings):
                self._keep(conversation)
                self._tell(part)

    def objection(self, name: str) -> str:
        """Why there is nothing, by what was seen."""
        if self.left_out[_NO_ANSWER]:
            return f"{name}: none of its {self.left_out[_NO_ANSWER]:,} conversations has an answer to learn from."
        if self._broken and not self._keys:
            return f"{name} cannot be read: {self._broken} It may be cut off: download it again."
        seen = ", ".join(self._keys[:8]) or "nothing"
        return (
            f"{name} has rows with {seen}. That is no export of ChatGPT, Claude, Open WebUI, LangSmith or Langfuse. "
            "A file of finished examples goes to Upload instead."
        )

    def _keep(self, conversation: Conversation) -> None:
        if not any(turn.role == "assistant" for turn in conversation.turns):
            self.left_out[_NO_ANSWER] += 1
            return
        if len(self._store) >= MOST_CONVERSATIONS:
            raise FileProblem(
                "too_many", f"More than {MOST_CONVERSATIONS:,} conversations. Split the export into several files."
            )
        try:
            self._store.add(conversation)
        except orjson.JSONEncodeError:  # numbers beyond 64 bits, in a tool's description
            self.left_out[_BROKEN] += 1

    def _conversations(self, part: Part, ratings: Mapping[str, int]) -> Iterator[Conversation]:
        if part.lines is not None:
            yield from transcript.read(part.lines)
        for raw in part.rows or ():
            if (row := self._content(raw)) is None:
                continue
            source = source_of(row)
            if source is None:
                self.left_out[_UNKNOWN] += 1
                self._keys = self._keys or list(row)
            else:
                yield from source.read(row, ratings)

    def _content(self, raw: Raw) -> Content | None:
        if raw.problem is None:
            return raw.content
        if raw.problem.code == "surrogate":
            return _mended(raw.text)
        self._broken = self._broken or f"{raw.problem.detail} (line {raw.line})"
        self.left_out[_TOO_LONG if raw.problem.code == "line_too_long" else _BROKEN] += 1
        return None

    def _tell(self, part: Part) -> None:
        if time.monotonic() - self._told > _TELL_EVERY_S:
            self._told = time.monotonic()
            self._on_progress(Progress(part.done(), self._export.total, len(self._store)))


def _mended(text: str) -> Content:
    """Exports cut texts through the middle of an emoji; half a character becomes �."""
    value = json.loads(text)
    whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return dict(json.loads(whole))


def _ratings(feedback: Iterator[Raw]) -> dict[str, int]:
    found: dict[str, int] = {}
    for raw in feedback:
        entry = rating(raw.content) if raw.problem is None else None
        if entry and len(found) < MOST_RATINGS:
            found[entry[0]] = entry[1]
    return found
