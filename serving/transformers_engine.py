"""Continuous batching on transformers: requests share steps whatever their adapters, and join and leave at any step.

`model.generate` answers a batch that begins and ends together; `generate_batch` knows neither adapters nor prefixes.
"""

import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from serving.answer import Answer
from serving.ends import ends_of
from serving.engine import Load, Receive, Tell
from serving.failures import TooLong
from serving.lanes import Lanes
from serving.request import Generation
from serving.rows import Rows
from storage.methods import Lora
from storage.serving import WorkerSpec
from storage.spec import Compute
from training.model import load_model
from training.tokenizer import load_tokenizer

#: Tokens of a prompt that are read in one pass, so that a long prompt does not hold up the others for long.
PROMPT_TOKENS_PER_PASS = 2048


class TransformersEngine:
    """One thread computes; `submit`, `load_adapter` and the rest are called from others."""

    name = "transformers"

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int], spec: WorkerSpec
    ) -> None:
        self.context_length = spec.context_length
        self._tokenizer, self._slots = tokenizer, spec.slots
        self._device = model.device
        self._ends = ends
        self._lanes = Lanes(model.eval())
        self._groups: dict[str, Group] = {}
        self._waiting: deque[Answer] = deque()
        self._changed = threading.Condition()
        #: Held for a step; adapters change between steps.
        self._stepping = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, generation: Generation, receive: Receive) -> Answer:
        """Raises TooLong where the prompt leaves no room, BadRequest for a schema that cannot be followed."""
        room = self.context_length - len(generation.prompt)
        if room < 1:
            raise TooLong(
                f"The prompt has {len(generation.prompt)} tokens; this model's context holds {self.context_length}.",
                param="messages",
            )
        answer = Answer(generation, receive, self._tokenizer, ends=self._ends, room=room)
        with self._changed:
            self._waiting.append(answer)
            self._changed.notify()
        return answer

    def load_adapter(self, name: str, folder: Path) -> None:
        with self._stepping:
            self._lanes.load(name, folder)

    def drop_adapter(self, name: str) -> None:
        with self._stepping:
            for answer in self._running():
                if answer.generation.adapter == name:
                    answer.cancel()
            self._leave()
            self._lanes.drop(name)

    def adapters(self) -> list[str]:
        return self._lanes.names

    def load(self) -> Load:
        return Load(running=len(list(self._running())), waiting=len(self._waiting), slots=self._slots)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        for answer in (*self._running(), *self._waiting):
            answer.abort()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._waiting or any(self._running()))
                if self._is_closed:
                    return
            with self._stepping, torch.inference_mode():
                self._leave()
                self._admit()
                for group in list(self._groups.values()):
                    group.step()
                self._leave()

    def _admit(self) -> None:
        """At most as many as there are slots; a waiting one that nobody listens to is forgotten."""
        free = self._slots - len(list(self._running()))
        while self._waiting and free > 0:
            answer = self._waiting.popleft()
            if not answer.is_cancelled:
                lane = self._lanes.lane_of(answer.generation.adapter)
                self._groups.setdefault(lane, Group(self._lanes, self._device)).join(answer)
                free -= 1

    def _leave(self) -> None:
        for lane, group in list(self._groups.items()):
            group.drop_finished()
            if not group.answers:
                del self._groups[lane]

    def _running(self) -> Iterable[Answer]:
        return (answer for group in list(self._groups.values()) for answer in list(group.answers))


class Group:
    """Answers that advance in one pass."""

    def __init__(self, lanes: Lanes, device: torch.device) -> None:
        self._lanes, self._device = lanes, device
        self._rows = Rows()
        self.answers: list[Answer] = []

    def join(self, answer: Answer) -> None:
        """Read the prompt, and choose the first token."""
        adapter = answer.generation.adapter
        cache = self._lanes.beginning(adapter)
        prompt = torch.tensor([answer.generation.prompt], device=self._device)
        for part in prompt.split(PROMPT_TOKENS_PER_PASS, dim=1):
            seen = cache.get_seq_length()
            output = self._lanes.forward(
                [adapter],
                input_ids=part,
                attention_mask=torch.ones(1, seen + part.shape[1], dtype=torch.long, device=self._device),
                position_ids=torch.arange(seen, seen + part.shape[1], device=self._device)[None],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        answer.advance(output.logits[0, -1])
        if not answer.is_over:
            self._rows.join(cache, torch.ones(1, cache.get_seq_length(), dtype=torch.long, device=self._device))
            self.answers.append(answer)

    def step(self) -> None:
        """One more token for each."""
        self.drop_finished()
        if not self.answers:
            return
        positions = self._rows.lengths[:, None]
        self._rows.grow()
        output = self._lanes.forward(
            [answer.generation.adapter for answer in self.answers],
            input_ids=torch.tensor([[answer.last] for answer in self.answers], device=self._device),
            attention_mask=self._rows.mask,
            position_ids=positions,
            past_key_values=self._rows.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        for answer, scores in zip(self.answers, output.logits[:, -1], strict=True):
            answer.advance(scores)

    def drop_finished(self) -> None:
        staying = [at for at, answer in enumerate(self.answers) if not (answer.is_over or answer.is_cancelled)]
        if len(staying) < len(self.answers):
            self.answers = [self.answers[at] for at in staying]
            self._rows.keep(staying)


def transformers_engine(spec: WorkerSpec, tell: Tell) -> TransformersEngine:
    """Loads the model and its adapters. Raises CannotHold for an adapter that has no lane."""
    torch.set_num_threads(spec.threads)
    tell("Loading the model", 0, 0)
    compute = Compute(device=spec.device, threads=spec.threads, weights_dtype=spec.weights_dtype, micro_batch_tokens=1)
    model = load_model(spec.model, compute, Lora())
    engine = TransformersEngine(model, load_tokenizer(spec.model), ends_of(Path(spec.model.path)), spec)
    for done, adapter in enumerate(spec.adapters):
        tell("Loading adapters", done, len(spec.adapters))
        engine.load_adapter(adapter.name, Path(adapter.folder))
    return engine
