"""What every engine can be asked. There are four of them: transformers, llama.cpp, OpenVINO and vLLM."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.request import Generation, Piece

#: Called in a thread of the engine's with each piece of an answer.
Receive = Callable[[Piece], None]
#: Told what an engine does while it loads: in words, and how far it is.
Tell = Callable[[str, int, int], None]


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
    """One base model and its adapters. `context_length`: tokens of one prompt with its answer."""

    name: str
    context_length: int

    def submit(self, generation: Generation, receive: Receive) -> Ticket:
        """Waits for nobody's answer; a piece with `finish` ends this one. Raises ServingError for what it refuses."""

    def load_adapter(self, name: str, folder: Path) -> None:
        """`folder` is PEFT's. Known names go to the new one from now on. Raises CannotHold with the reason."""

    def drop_adapter(self, name: str) -> None:
        """Answers that are being written with it are written to their end."""

    def adapters(self) -> list[str]: ...

    def load(self) -> Load: ...

    def close(self) -> None:
        """Answers that are being written break off."""
