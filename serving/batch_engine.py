"""Continuous batching: requests share steps whatever their adapters, and join and leave at any step.

What a step is, is the kind's: a pass of transformers' model or of an OpenVINO graph.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from serving.answer import Answer
from serving.engine import Load, Receive, Tell
from serving.failures import NoSuchModel, TooLong
from serving.request import BASE, Generation
from storage.serving import ServedAdapter, WorkerSpec

log = logging.getLogger(__name__)


class Group(Protocol):
    """Answers that advance in one pass."""

    @property
    def answers(self) -> list[Answer]: ...

    def join(self, answer: Answer) -> None: ...

    def step(self) -> None:
        """Some of the prompts that wait, then one more token for each answer; those that are over leave."""

    def clear(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    """What computes. Adapters, and the base as one of them, have a `lane`: those of the same share a group; and a
    `prefix_length`, the tokens that they take of the context. `read` raises CannotHold.
    """

    base: Any
    read: Callable[[Path], Any]
    group: Callable[[], Group]


class BatchEngine:
    """One thread computes; `submit`, `load_adapter` and the rest are called from others."""

    def __init__(
        self, name: str, kind: Kind, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int], spec: WorkerSpec
    ) -> None:
        self.name, self._kind = name, kind
        self.context_length = spec.context_length
        self._tokenizer, self._slots, self._ends = tokenizer, spec.slots, ends
        self._adapters: dict[str, Any] = {}
        self._groups: dict[int, Group] = {}
        self._waiting: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, generation: Generation, receive: Receive) -> Answer:
        """Raises TooLong where the prompt leaves no room, BadRequest for a schema that cannot be followed."""
        adapter = self._kind.base if generation.adapter == BASE else self._adapters.get(generation.adapter)
        if adapter is None:
            raise NoSuchModel(f"The adapter “{generation.adapter}” is not loaded any more.", param="model")
        room = self.context_length - len(generation.prompt) - adapter.prefix_length
        if room < 1:
            raise TooLong(
                f"The prompt has {len(generation.prompt)} tokens; this model's context holds {self.context_length}.",
                param="messages",
            )
        answer = Answer(generation, receive, self._tokenizer, adapter=adapter, ends=self._ends, room=room)
        with self._changed:
            self._waiting.append(answer)
            self._changed.notify()
        return answer

    def load_adapter(self, name: str, folder: Path) -> None:
        self._adapters = {**self._adapters, name: self._kind.read(folder)}

    def load_adapters(self, adapters: Sequence[ServedAdapter], tell: Tell) -> None:
        for done, adapter in enumerate(adapters):
            tell("Loading adapters", done, len(adapters))
            self.load_adapter(adapter.name, Path(adapter.folder))

    def drop_adapter(self, name: str) -> None:
        self._adapters = {known: held for known, held in self._adapters.items() if known != name}

    def adapters(self) -> list[str]:
        return sorted(self._adapters)

    def load(self) -> Load:
        return Load(running=len(list(self._running())), waiting=len(self._waiting), slots=self._slots)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        for answer in (*self._running(), *self._waiting):
            answer.abort("The model was unloaded while it answered. Try again.")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._waiting or self._groups)
                if self._is_closed:
                    return
            self._admit()
            for lane, group in list(self._groups.items()):
                self._step(group)
                if not group.answers:
                    del self._groups[lane]

    @staticmethod
    def _step(group: Group) -> None:
        try:
            with torch.inference_mode():
                group.step()
        except Exception:  # the edge: one batch's failure must not be every later one's
            log.exception("A step failed; its answers break off.")
            for answer in group.answers:
                answer.abort("The model could not go on with this answer. The worker's log has the details.")
            group.clear()

    def _admit(self) -> None:
        """At most as many as there are slots; a waiting one that nobody listens to is forgotten."""
        free = self._slots - len(list(self._running()))
        while self._waiting and free > 0:
            answer = self._waiting.popleft()
            if not answer.is_gone:
                self._group_of(answer).join(answer)
                free -= 1

    def _group_of(self, answer: Answer) -> Group:
        lane = answer.adapter.lane
        if lane not in self._groups:
            self._groups[lane] = self._kind.group()
        return self._groups[lane]

    def _running(self) -> Iterable[Answer]:
        return (answer for group in list(self._groups.values()) for answer in group.answers)
