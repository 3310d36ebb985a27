"""llama.cpp, in this process, through the `xllamacpp` wheel: the fastest answers on a CPU, for the base and LoRA adapters.

It batches continuously, but only requests of the same adapter share a pass. Its adapters are named when a model is
loaded, so another one means another instance: the file is mapped once for both, new requests go to the new one, and the
old one ends with its last answer.
"""

import secrets
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xllamacpp

from serving.engine import Load, Receive
from serving.failures import TooLong
from serving.request import BASE, Generation, Logprob, Piece, Sampling


class Listening:
    """One answer that llama.cpp is writing; what it calls back with the next part of it."""

    def __init__(self, receive: Receive, *, wants_logprobs: bool) -> None:
        self._receive, self._wants_logprobs = receive, wants_logprobs
        self._is_cancelled = self._is_over = False

    def cancel(self) -> None:
        self._is_cancelled = True

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled

    def hear(self, chunk: dict[str, Any]) -> bool:
        """True makes llama.cpp stop."""
        if self._is_over or self._is_cancelled:
            return True
        if not chunk.get("choices"):
            self._is_over = True
            self._receive(Piece(finish="aborted"))
            return True
        choice = chunk["choices"][0]
        finish = choice.get("finish_reason") or ""
        listed = (choice.get("logprobs") or {}).get("content") or () if self._wants_logprobs else ()
        self._is_over = bool(finish)
        self._receive(
            Piece(
                text=choice.get("text") or "",
                tokens=0 if finish else 1,
                logprobs=tuple((named(entry), tuple(map(named, entry["top_logprobs"]))) for entry in listed),
                finish="stop" if finish == "stop" else "length" if finish else "",
            )
        )
        return False

    def close(self) -> None:
        """It returned; an answer without an end was broken off."""
        if not self._is_over:
            self._receive(Piece(finish="aborted"))


@dataclass
class Instance:
    """A loaded model with the adapters it was loaded with."""

    server: Any
    adapters: dict[str, int]
    running: int = 0


@dataclass
class Settings:
    model: Path
    context_length: int
    slots: int = 8
    threads: int = 1
    adapters: dict[str, Path] = field(default_factory=dict)


class LlamaEngine:
    """`model`: a GGUF file; adapters are GGUF files as well."""

    name = "llama.cpp"

    def __init__(self, settings: Settings) -> None:
        self.context_length = settings.context_length
        self._settings = settings
        self._lock = threading.Lock()
        self._instance = started(settings)
        self._waiting = 0
        self._pool = ThreadPoolExecutor(settings.slots * 2, thread_name_prefix="answer")

    def submit(self, generation: Generation, receive: Receive) -> Listening:
        if len(generation.prompt) >= self.context_length:
            raise TooLong(
                f"The prompt has {len(generation.prompt)} tokens; this model's context holds {self.context_length}.",
                param="messages",
            )
        listening = Listening(receive, wants_logprobs=generation.sampling.top_logprobs is not None)
        with self._lock:
            instance = self._instance
            instance.running += 1
        self._pool.submit(self._answer, instance, generation, listening)
        return listening

    def load_adapter(self, name: str, folder: Path) -> None:
        """`folder`: the GGUF file of the adapter. Takes as long as the model takes to load."""
        self._restart({**self._settings.adapters, name: folder})

    def drop_adapter(self, name: str) -> None:
        self._restart({known: path for known, path in self._settings.adapters.items() if known != name})

    def adapters(self) -> list[str]:
        return sorted(self._settings.adapters)

    def load(self) -> Load:
        return Load(running=self._instance.running, slots=self._settings.slots)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _restart(self, adapters: dict[str, Path]) -> None:
        self._settings.adapters = adapters
        fresh = started(self._settings)
        with self._lock:
            self._instance = fresh  # the old one goes with its last answer

    def _answer(self, instance: Instance, generation: Generation, listening: Listening) -> None:
        try:
            if not listening.is_cancelled:
                asked = request_of(generation, instance.adapters)
                instance.server.handle_completions(asked, listening.hear)
        finally:
            listening.close()
            with self._lock:
                instance.running -= 1


def started(settings: Settings) -> Instance:
    asked = xllamacpp.CommonParams()
    asked.model.path = str(settings.model)
    asked.n_parallel = settings.slots
    # One room for all: a long answer may take what short ones leave.
    asked.kv_unified = True
    asked.n_ctx = settings.context_length
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = settings.threads
    # It opens a port of its own beside our socket; nobody knows the key, so nobody is answered there.
    asked.api_keys = [secrets.token_hex(32)]
    asked.ui = False
    asked.verbosity = 0
    asked.lora_init_without_apply = True
    asked.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in settings.adapters.values()]
    return Instance(xllamacpp.Server(asked), {name: number for number, name in enumerate(settings.adapters)})


def request_of(generation: Generation, adapters: Mapping[str, int]) -> dict[str, Any]:
    """In llama.cpp's words."""
    chosen = [] if generation.adapter == BASE else [{"id": adapters[generation.adapter], "scale": 1.0}]
    return {
        "prompt": list(generation.prompt),
        "lora": chosen,
        "stream": True,
        "cache_prompt": True,
        **sampling_of(generation.sampling),
    }


def sampling_of(sampling: Sampling) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "n_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repeat_penalty": 1.0,
        "logit_bias": [[token, bias] for token, bias in sampling.logit_bias.items()],
        "stop": list(sampling.stop),
    }
    if sampling.seed is not None:
        asked["seed"] = sampling.seed % 2**32
    if sampling.top_logprobs is not None:
        asked["n_probs"] = max(1, sampling.top_logprobs)
    if sampling.json_schema is not None:
        asked["json_schema"] = sampling.json_schema or {"type": "object"}
    return asked


def named(entry: dict[str, Any]) -> Logprob:
    return Logprob(token=entry["token"], logprob=entry["logprob"])
