"""What every engine can be asked. There are three of them: transformers, llama.cpp and vLLM."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.request import Generation, Piece

#: Called in the engine's thread with each piece of an answer.
Receive = Callable[[Piece], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What an engine does right now."""

    running: int = 0
    waiting: int = 0
    slots: int = 0


class Ticket(Protocol):
    """One answer that is being written."""

    def cancel(self) -> None:
        """Nobody listens any more: its slot is free within a step."""


class Engine(Protocol):
    """One base model and its adapters. `submit` never blocks; a piece with `finish` ends an answer."""

    name: str
    context_length: int

    def submit(self, generation: Generation, receive: Receive) -> Ticket: ...

    def load_adapter(self, name: str, folder: Path) -> None:
        """Raises CannotHold with the reason."""

    def drop_adapter(self, name: str) -> None: ...

    def adapters(self) -> list[str]: ...

    def load(self) -> Load: ...

    def close(self) -> None: ...
