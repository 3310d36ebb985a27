"""llama.cpp, in this process, by the `xllamacpp` wheel: the fastest answers on a CPU, for the base and LoRA adapters.

It batches continuously, but only requests of the same adapter share a pass. Its adapters are named when a model is
loaded, so another one means another instance: new requests go to the new one, and the old one ends with its last
answer.
"""

import json
import secrets
import tempfile
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import xllamacpp

from serving.converted import Converted
from serving.engine import Load, Receive, Tell
from serving.failures import CannotHold, NoSuchModel, TooLong
from serving.llama_words import Listening, request_of
from serving.request import BASE, Generation
from serving.schema import checked
from storage.serving import WorkerSpec

#: Bytes of keys and values that all running answers share, where one context needs no more.
CACHE_BYTES = 512 * 1024**2
#: llama.cpp keeps room for tokens in blocks of so many.
CACHE_BLOCK = 256
#: Tokens of a prompt that are read in one step: a client that hangs up is noticed between two of them.
STEP_TOKENS = 64


@dataclass(frozen=True)
class Settings:
    """`context_length`: tokens of one answer with its prompt; `pool`: of all that are written at a time."""

    model: Path
    context_length: int
    pool: int
    slots: int = 8
    threads: int = 1
    adapters: dict[str, Path] = field(default_factory=dict)


@dataclass
class Slot:
    """One of llama.cpp's: whose keys and values it still has."""

    number: int
    adapter: str = BASE
    prompt: tuple[int, ...] = ()
    is_free: bool = True

    def reusable(self, generation: Generation) -> int:
        """Tokens of the prompt that need not be read again."""
        return common(self.prompt, generation.prompt) if self.adapter == generation.adapter else 0


@dataclass
class Instance:
    """A loaded model with the adapters it was loaded with.

    We choose the slot ourselves: left to itself, llama.cpp goes on from what another adapter made of the same prompt.
    """

    server: Any
    adapters: dict[str, int]
    slots: list[Slot]

    def take(self, generation: Generation) -> tuple[Slot, bool]:
        """A free slot, and whether it may go on from what it has; there is one for every running answer."""
        free = [slot for slot in self.slots if slot.is_free]
        slot = max(free, key=lambda slot: (slot.reusable(generation), -len(slot.prompt)))
        # A prompt that is read in other parts rounds otherwise; whoever names a seed wants the same again.
        may_go_on = slot.adapter == generation.adapter and generation.sampling.seed is None
        slot.adapter, slot.prompt, slot.is_free = generation.adapter, generation.prompt, False
        return slot, may_go_on


@dataclass(frozen=True)
class Waiting:
    instance: Instance
    generation: Generation
    listening: Listening

    @property
    def tokens(self) -> int:
        """What it may take of the pool."""
        return len(self.generation.prompt) + self.generation.sampling.max_tokens


class LlamaEngine:
    """Adapters are made into GGUF files by `converted`."""

    name = "llama.cpp"

    def __init__(self, settings: Settings, converted: Converted) -> None:
        self.context_length = settings.context_length
        self._settings, self._converted = settings, converted
        self._changing = threading.Lock()
        self._instance = started(settings)
        self._lock = threading.Lock()
        self._queue: deque[Waiting] = deque()
        self._running: list[Waiting] = []
        self._pool = ThreadPoolExecutor(settings.slots, thread_name_prefix="answer")

    def submit(self, generation: Generation, receive: Receive) -> Listening:
        room = self.context_length - len(generation.prompt)
        if room < 1:
            raise TooLong(
                f"The prompt has {len(generation.prompt)} tokens; this model's context holds {self.context_length}.",
                param="messages",
            )
        instance = self._instance
        if generation.sampling.json_schema is not None:
            checked(generation.sampling.json_schema)
        if generation.adapter != BASE and generation.adapter not in instance.adapters:
            raise NoSuchModel(f"The adapter “{generation.adapter}” is not loaded any more.", param="model")
        sampling = generation.sampling
        bounded = sampling.model_copy(update={"max_tokens": min(sampling.max_tokens, room)})
        listening = Listening(receive, wants_logprobs=sampling.top_logprobs is not None)
        with self._lock:
            self._queue.append(Waiting(instance, generation.model_copy(update={"sampling": bounded}), listening))
        self._admit()
        return listening

    def load_adapter(self, name: str, folder: Path) -> None:
        """Takes as long as the model takes to load."""
        path = self._converted.adapter(folder)
        with self._changing:
            self._restart({**self._settings.adapters, name: path})

    def drop_adapter(self, name: str) -> None:
        with self._changing:
            self._restart({known: path for known, path in self._settings.adapters.items() if known != name})

    def adapters(self) -> list[str]:
        return sorted(self._instance.adapters)

    def load(self) -> Load:
        with self._lock:
            return Load(running=len(self._running), waiting=len(self._queue), slots=self._settings.slots)

    def close(self) -> None:
        with self._lock:
            waiting = [*self._queue, *self._running]
            self._queue.clear()
        for answer in waiting:
            answer.listening.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _restart(self, adapters: dict[str, Path]) -> None:
        self._settings = replace(self._settings, adapters=adapters)
        self._instance = started(self._settings)  # the old one goes with its last answer

    def _admit(self) -> None:
        """In their order, as many as have a slot and room: llama.cpp breaks an answer off when the room is full."""
        with self._lock:
            free = self._settings.pool - sum(answer.tokens for answer in self._running)
            while self._queue and len(self._running) < self._settings.slots:
                if self._queue[0].tokens > free and not self._queue[0].listening.is_cancelled:
                    return
                answer = self._queue.popleft()
                if answer.listening.is_cancelled:
                    continue
                free -= answer.tokens
                self._running.append(answer)
                self._pool.submit(self._answer, answer, *answer.instance.take(answer.generation))

    def _answer(self, answer: Waiting, slot: Slot, may_go_on: bool) -> None:
        try:
            place = answer.instance.adapters.get(answer.generation.adapter)
            asked = request_of(answer.generation, place) | {"id_slot": slot.number, "cache_prompt": may_go_on}
            answer.instance.server.handle_completions(asked, answer.listening.hear)
            answer.listening.close()
        except Exception as error:  # noqa: BLE001 - the edge to somebody else's C++
            answer.listening.close(f"llama.cpp could not answer: {str(error)[:300]}")
        finally:
            with self._lock:
                slot.is_free = True
                self._running.remove(answer)
            self._admit()


def llama_engine(spec: WorkerSpec, tell: Tell) -> LlamaEngine:
    """Makes the GGUF files that are not there yet, and loads. Raises CannotHold."""
    model = Path(spec.model.path)
    converted = Converted(Path(spec.cache), model, bits=spec.bits)
    tell("Making llama.cpp's file of the model", 0, 0)
    base = converted.base(lambda done, total: tell("Making llama.cpp's file of the model", done, total))
    adapters = {adapter.name: converted.adapter(Path(adapter.folder)) for adapter in spec.adapters}
    tell("Loading the model", 0, 0)
    settings = Settings(
        base,
        context_length=spec.context_length,
        pool=pool_of(json.loads((model / "config.json").read_bytes()), spec),
        slots=spec.slots,
        threads=spec.threads,
        adapters=adapters,
    )
    return LlamaEngine(settings, converted)


def pool_of(config: dict[str, Any], spec: WorkerSpec) -> int:
    """Tokens whose keys and values fit into CACHE_BYTES; at least one whole context, at most one for each slot."""
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or config["hidden_size"] // heads)
    per_token = 2 * 2 * int(config["num_hidden_layers"]) * int(config.get("num_key_value_heads") or heads) * size
    each = -(-spec.context_length // CACHE_BLOCK) * CACHE_BLOCK
    whole = each * spec.slots
    return (
        whole if whole * per_token <= CACHE_BYTES else max(each, CACHE_BYTES // per_token // CACHE_BLOCK * CACHE_BLOCK)
    )


def started(settings: Settings) -> Instance:
    """Raises CannotHold where llama.cpp does not take the file."""
    asked = xllamacpp.CommonParams()
    asked.model.path = str(settings.model)
    asked.n_parallel = settings.slots
    # Where there is no room for a whole context each, one room for all: a long answer may take what short ones leave.
    # It costs time, because each answer then looks past the others' keys.
    asked.kv_unified = settings.pool < settings.context_length * settings.slots
    asked.n_ctx = settings.pool
    asked.n_batch = asked.n_ubatch = STEP_TOKENS
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = settings.threads
    # Its own prompt store would copy keys and values aside, up to 8 GB.
    asked.cache_ram_mib = 0
    asked.warmup = False
    asked.api_keys = [secrets.token_hex(32)]
    asked.n_threads_http = 1
    asked.ui = False
    asked.verbosity = 0
    asked.lora_init_without_apply = True
    asked.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in settings.adapters.values()]
    # It listens itself, too: on a socket that nobody can reach any more once it has started.
    with tempfile.TemporaryDirectory(prefix="llama-") as hidden:
        asked.hostnames = [str(Path(hidden) / "own.sock")]
        try:
            server = xllamacpp.Server(asked)
        except (RuntimeError, ValueError) as error:
            raise CannotHold(f"llama.cpp does not take the model or an adapter: {str(error)[:300]}") from error
    places = {name: number for number, name in enumerate(settings.adapters)}
    return Instance(server, places, [Slot(number) for number in range(settings.slots)])


def common(ours: tuple[int, ...], theirs: tuple[int, ...]) -> int:
    """Equal tokens at the beginning."""
    return next(
        (at for at, (mine, other) in enumerate(zip(ours, theirs, strict=False)) if mine != other),
        min(len(ours), len(theirs)),
    )
