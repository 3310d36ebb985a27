"""What a serving worker is told: `worker.json` in its folder, written by core and read once."""

from typing import Literal

from pydantic import Field

from storage.methods import Record
from storage.spec import ModelRef

Engine = Literal["llama.cpp", "transformers", "vllm"]
#: In a worker's folder.
SPEC, SOCKET, READY, FAILED = "worker.json", "socket", "ready.json", "failed.json"


class ServedAdapter(Record):
    """`folder`: as the engine wants it, PEFT's folder or a GGUF file."""

    name: str
    folder: str


class WorkerSpec(Record):
    """One base model in memory. `base_name`: what requests without an adapter call it."""

    engine: Engine
    model: ModelRef
    base_name: str
    #: The GGUF file, for llama.cpp.
    weights: str = ""
    device: Literal["cpu", "cuda"] = "cpu"
    weights_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int = Field(1, ge=1)
    slots: int = Field(8, ge=1, le=256)
    context_length: int = Field(description="Tokens that all running answers share, in llama.cpp")
    adapters: tuple[ServedAdapter, ...] = ()
