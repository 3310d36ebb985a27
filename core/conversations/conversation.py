"""A conversation as every source's reader gives it: what was said, in which order, and what was said instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.rows import Message

UNTITLED = "Untitled"
TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """`rating`: 1 thumbs up, -1 thumbs down, 0 none. `more`: tool_calls, tool_call_id, name, reasoning_content."""

    role: str
    text: str
    rating: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        return {"role": self.role, "content": self.text, **self.more}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`paths` are the ways through it from its first turn on, as indexes of `turns`; the first is the one shown last.

    The others are its branches: answers that were regenerated, questions that were edited. `is_outer`: it may hold
    what another entry of the same export says in more detail, and is left out where there are such entries.
    """

    id: str
    title: str
    when: datetime | None
    source: str
    turns: tuple[Turn, ...]
    paths: tuple[tuple[int, ...], ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    is_outer: bool = False

    @property
    def main(self) -> tuple[Turn, ...]:
        return tuple(self.turns[index] for index in self.paths[0]) if self.paths else ()

    @property
    def branches(self) -> tuple[tuple[Turn, ...], ...]:
        return tuple(tuple(self.turns[index] for index in path) for path in self.paths[1:])

    @classmethod
    def straight(cls, turns: list[Turn], **about: Any) -> "Conversation":
        """One without branches."""
        return cls(turns=tuple(turns), paths=(tuple(range(len(turns))),), **about)

    def to_json(self) -> dict[str, Any]:
        turns = [[turn.role, turn.text, turn.rating, dict(turn.more)] for turn in self.turns]
        return {
            "id": self.id,
            "title": self.title,
            "when": self.when.isoformat() if self.when else None,
            "source": self.source,
            "turns": turns,
            "paths": self.paths,
            "tools": self.tools,
            "is_outer": self.is_outer,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Conversation":
        return cls(
            **told
            | {
                "when": datetime.fromisoformat(told["when"]) if told["when"] else None,
                "turns": tuple(Turn(*turn) for turn in told["turns"]),
                "paths": tuple(tuple(path) for path in told["paths"]),
                "tools": tuple(told["tools"]),
            }
        )


def title_of(value: object) -> str:
    """A title for a list: one line, not too long."""
    words = " ".join(value.split()) if isinstance(value, str) else ""
    return words[:TITLE_CHARACTERS] or UNTITLED
