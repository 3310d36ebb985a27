"""LoRA adapters on a running vLLM: `/v1/load_lora_adapter` and `/v1/unload_lora_adapter`.

vLLM 0.33.0, `vllm/entrypoints/serve/lora/` and `vllm/lora/peft_helper.py`; https://docs.vllm.ai/en/stable/features/lora/.
"""

import itertools
import threading
from pathlib import Path
from typing import Any

import httpx

from serving.ends import object_of
from serving.failures import CannotHold
from serving.vllm_server import VllmServer
from serving.vllm_words import message_of
from storage.serving import LORA_RANK_VARIABLE

#: A large adapter on a slow disk.
LOAD_TIMEOUT_S = 600.0


class VllmAdapters:
    """Our names to vLLM's. Every load has a name of its own there: vLLM keeps prompts it has read by that name."""

    def __init__(self, server: VllmServer, highest_rank: int) -> None:
        self._server, self._highest_rank = server, highest_rank
        self._names: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def load(self, name: str, folder: Path) -> None:
        """Raises CannotHold with the reason, ours or vLLM's."""
        require_plain_lora(folder, self._highest_rank)
        theirs = f"{name}:{next(self._numbers)}"
        self._ask("load", {"lora_name": theirs, "lora_path": str(folder)})
        with self._lock:
            before, self._names = self._names.get(name), {**self._names, name: theirs}
        if before:
            self._ask("unload", {"lora_name": before})

    def drop(self, name: str) -> None:
        """vLLM writes answers that it has begun to their end: a request keeps its adapter."""
        with self._lock:
            theirs = self._names.get(name)
            self._names = {known: other for known, other in self._names.items() if known != name}
        if theirs:
            self._ask("unload", {"lora_name": theirs})

    def names(self) -> list[str]:
        return sorted(self._names)

    def find(self, name: str) -> str | None:
        return self._names.get(name)

    def _ask(self, what: str, content: dict[str, str]) -> None:
        try:
            with self._server.client(LOAD_TIMEOUT_S) as client:
                answer = client.post(f"/v1/{what}_lora_adapter", json=content)
        except httpx.HTTPError as error:
            raise CannotHold(f"vLLM did not answer when an adapter was to be {what}ed ({error}).") from error
        if answer.is_error:
            raise CannotHold(f"vLLM does not take the adapter: {message_of(json_of(answer))}.")


def require_plain_lora(folder: Path, highest_rank: int) -> None:
    asked = object_of(folder / "adapter_config.json")
    if not asked or not (folder / "adapter_model.safetensors").is_file():
        raise CannotHold("The folder holds no adapter (adapter_config.json, adapter_model.safetensors).")
    if str(asked.get("peft_type")) != "LORA":
        raise CannotHold(f"vLLM holds LoRA adapters only; this one is {str(asked.get('peft_type'))[:40]}.")
    if asked.get("use_dora"):
        raise CannotHold("vLLM holds plain LoRA adapters only; this one is weight-decomposed (DoRA).")
    if asked.get("modules_to_save") or asked.get("trainable_token_indices"):
        raise CannotHold("vLLM's adapters hold no whole layers, and this one brings some (modules_to_save).")
    if asked.get("bias", "none") != "none":
        raise CannotHold("vLLM's adapters hold no biases, and this one trained some (bias).")
    rank = max([int(asked.get("r") or 0), *(asked.get("rank_pattern") or {}).values()])
    if rank > highest_rank:
        raise CannotHold(
            f"This vLLM keeps room for LoRA ranks up to {highest_rank}, and this adapter's is {rank}. "
            f"Start the studio with {LORA_RANK_VARIABLE}={rank}."
        )


def json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {"error": {"message": f"status {answer.status_code}"}}
