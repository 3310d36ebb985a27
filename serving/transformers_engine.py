"""Continuous batching on transformers: requests share steps whatever their adapters, and join and leave at any step.

`model.generate` answers a batch that begins and ends together; `generate_batch` knows neither adapters nor prefixes.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from serving.answer import Answer
from serving.ends import ends_of
from serving.engine import Load, Receive, Tell
from serving.failures import NoSuchModel, TooLong
from serving.group import Group
from serving.lanes import Held, Lanes
from serving.request import BASE, Generation
from storage.methods import Lora
from storage.serving import WorkerSpec
from storage.spec import Compute
from training.environment import gpus_are_simulated
from training.model import load_model
from training.tokenizer import load_tokenizer

log = logging.getLogger(__name__)


class TransformersEngine:
    """One thread computes; `submit`, `load_adapter` and the rest are called from others."""

    name = "transformers"

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int], spec: WorkerSpec
    ) -> None:
        self.context_length = spec.context_length
        self._tokenizer, self._slots, self._ends = tokenizer, spec.slots, ends
        self._device = model.device
        self._lanes = Lanes(model.eval())
        self._adapters: dict[str, Held] = {}
        self._groups: dict[int, Group] = {}
        self._waiting: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, generation: Generation, receive: Receive) -> Answer:
        """Raises TooLong where the prompt leaves no room, BadRequest for a schema that cannot be followed."""
        adapter = self._lanes.base if generation.adapter == BASE else self._adapters.get(generation.adapter)
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
        self._adapters = {**self._adapters, name: self._lanes.read(folder)}

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
                self._groups.setdefault(answer.adapter.lane, Group(self._lanes, self._device)).join(answer)
                free -= 1

    def _running(self) -> Iterable[Answer]:
        return (answer for group in list(self._groups.values()) for answer in group.answers)


def transformers_engine(spec: WorkerSpec, tell: Tell) -> TransformersEngine:
    """Loads the model and its adapters. Raises CannotHold for an adapter that has no lane."""
    torch.set_num_threads(spec.threads)
    tell("Loading the model", 0, 0)
    device = "cpu" if gpus_are_simulated() else spec.device
    compute = Compute(device=device, threads=spec.threads, weights_dtype=spec.weights_dtype, micro_batch_tokens=1)
    model = load_model(spec.model, compute, Lora())
    engine = TransformersEngine(model, load_tokenizer(spec.model), ends_of(Path(spec.model.path)), spec)
    for done, adapter in enumerate(spec.adapters):
        tell("Loading adapters", done, len(spec.adapters))
        engine.load_adapter(adapter.name, Path(adapter.folder))
    return engine
