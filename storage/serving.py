"""What a serving worker is told and what it tells, as files in its folder; and which engine can hold what.

`worker.json` is written by core and read once. The worker replaces `progress.json` while it loads and writes
`ready.json` once (what `/health` answers) or `failed.json` (`cause`, `message`).
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from storage.methods import Lora, Method, Qlora, Record
from storage.spec import ModelRef

Engine = Literal["llama.cpp", "openvino", "transformers", "vllm"]
#: In a worker's folder.
SPEC, SOCKET, PROGRESS, READY, FAILED = "worker.json", "socket", "progress.json", "ready.json", "failed.json"
#: Says which adapter answers, whatever the request's `model` is; empty = the base model.
ADAPTER_HEADER = "x-tunesmith-adapter"
#: Asks for the tokens of a streamed answer in a last comment, `: {"usage": …}`, which clients are not shown.
USAGE_HEADER = "x-tunesmith-usage"
#: `failed.json`'s cause where this engine cannot hold what it was started with.
CANNOT_HOLD = "cannot_hold"
#: JSON that says how a simulated vLLM behaves (serving/simulated_vllm.py); core and worker both have to know.
SIMULATED_VLLM_VARIABLE = "TUNESMITH_SIMULATED_VLLM"
LORA_RANK_VARIABLE = "TUNESMITH_SERVING_LORA_RANK"
NOT_INSTALLED = "vLLM is not installed here; TUNESMITH_SERVING_VLLM names the Python of an environment that has it."
NOT_ASKED_FOR = "OpenVINO answers where TUNESMITH_SERVING_ENGINE is “openvino”."
#: `model_type` of the families that serving/gguf_files.py and openvino_graph.py can write; a test keeps them the same.
GGUF_FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})


class ServedAdapter(Record):
    """`folder`: as PEFT keeps it; the worker makes what its engine wants."""

    name: str
    folder: str


class WorkerSpec(Record):
    """One base model in memory. `base_name`: what requests without an adapter call it."""

    engine: Engine
    model: ModelRef
    base_name: str
    cache: str = Field(description="Folder for what the worker makes itself and finds again: GGUF files, graphs")
    device: Literal["cpu", "cuda"] = "cpu"
    weights_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    bits: Literal[8, 16] = Field(16, description="Of a weight in llama.cpp's or OpenVINO's file of the base model")
    threads: int = Field(1, ge=1)
    slots: int = Field(8, ge=1, le=256, description="Answers that are written at a time")
    most_waiting: int = Field(64, ge=0, le=10_000, description="Requests beyond the slots; more are sent away")
    context_length: int = Field(ge=16, description="Tokens of one prompt with its answer")
    gpu_share: float = Field(0.9, gt=0, lt=1, description="Of the GPU's memory: vLLM takes all of it when it starts")
    lora_rank: int = Field(64, ge=1, description="The highest that vLLM keeps room for, for every adapter")
    adapters: tuple[ServedAdapter, ...] = ()
    vllm_python: str = Field("", description="Of the environment that vLLM is installed in; empty = ours")
    beneath: str = Field("", description="Folder of an adapter that is merged into the base model before it is served")


def merged_name(model: ModelRef, beneath: str, weights_dtype: str = "bfloat16") -> str:
    """In the workers' cache: the folder of a model with the adapter `beneath` merged into it."""
    key = f"{model.revision}\n{beneath}\n{weights_dtype}"
    return f"merged-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be served: `config` is the base model's config.json; no method means the base or a full output.

    `no_vllm`, `no_openvino`: why it is not used here, as a sentence; empty where it is.
    """

    config: dict[str, Any]
    method: Method | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    no_vllm: str = NOT_INSTALLED
    no_openvino: str = NOT_ASKED_FOR
    lora_rank: int = 64


def engine_for(wanted: Wanted) -> Engine:
    """The fastest engine that can hold it; transformers can hold everything."""
    faster: tuple[Engine, ...] = ("vllm", "openvino", "llama.cpp")
    return next((engine for engine in faster if not cannot_hold(engine, wanted)), "transformers")


def cannot_hold(engine: Engine, wanted: Wanted) -> str:
    """Why this engine cannot, as a sentence; empty where it can."""
    match engine:
        case "transformers":
            return ""
        case "vllm":
            if wanted.device != "cuda":
                return "We start vLLM on CUDA devices only."
            return wanted.no_vllm or not_plain_lora("vLLM", wanted.method) or too_high(wanted.method, wanted.lora_rank)
        case "openvino":
            if wanted.device != "cpu":
                return "Our OpenVINO computes on the processor only."
            return wanted.no_openvino or not_in_openvino(wanted.config) or not_plain_lora("OpenVINO", wanted.method)
        case "llama.cpp":
            if wanted.device != "cpu":
                return "Our llama.cpp computes on the processor only."
            return not_in_gguf(wanted.config) or not_plain_lora("llama.cpp", wanted.method)


def not_in_gguf(config: dict[str, Any]) -> str:
    """Why this base model cannot become one of our llama.cpp files."""
    return not_made("llama.cpp files", config)


def not_in_openvino(config: dict[str, Any]) -> str:
    """Why this base model cannot become one of our OpenVINO graphs."""
    if reason := not_made("OpenVINO graphs", config):
        return reason
    if config.get("hidden_act", "silu") != "silu":
        return f"This model's activation is “{str(config['hidden_act'])[:40]}”; our OpenVINO graphs know silu only."
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        return "This model looks back a limited way (sliding_window), which our OpenVINO graphs do not do yet."
    return ""


def not_made(what: str, config: dict[str, Any]) -> str:
    known = str(config.get("model_type"))
    if known not in GGUF_FAMILIES:
        return f"Our {what} are made of {', '.join(sorted(GGUF_FAMILIES))} models; this one is “{known[:40]}”."
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type") or rope.get("type") or "default" if isinstance(rope, dict) else "default"
    if kind != "default":
        return f"This model stretches its positions ({str(kind)[:40]}), which our {what} do not say yet."
    if config.get("quantization_config"):
        return f"This model's weights are quantised already; our {what} are made of 16 or 32 bits."
    return ""


def too_high(method: Method | None, lora_rank: int) -> str:
    """Why vLLM has no room for an adapter of this rank; it has to be told the highest one when it starts."""
    if not isinstance(method, Lora | Qlora) or method.rank <= lora_rank:
        return ""
    return (
        f"vLLM keeps room for LoRA ranks up to {lora_rank}, and this adapter's is {method.rank}. "
        f"Start the studio with {LORA_RANK_VARIABLE}={method.rank}."
    )


def not_plain_lora(engine: str, method: Method | None) -> str:
    if method is None or method.kind == "full":
        return ""
    if not isinstance(method, Lora | Qlora):
        return f"{engine} holds LoRA adapters only; this one is {METHOD_NAMES[method.kind]}."
    if method.dora:
        return f"{engine} holds plain LoRA adapters only; this one is weight-decomposed (DoRA)."
    return ""


METHOD_NAMES = {"prefix": "a prefix", "adapter": "made of adapter layers"}
