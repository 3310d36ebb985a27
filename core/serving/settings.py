"""How much serving may take of this machine, and for how long a model stays in memory that nobody asks."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from core.devices import GB
from core.errors import BadInput
from core.memory import host_memory
from storage.serving import LORA_RANK_VARIABLE

IDLE_VARIABLE = "TUNESMITH_SERVING_IDLE_MINUTES"
CACHE_VARIABLE = "TUNESMITH_SERVING_CACHE_GB"
MEMORY_VARIABLE = "TUNESMITH_SERVING_MEMORY_GB"
BITS_VARIABLE = "TUNESMITH_SERVING_BITS"
ENGINE_VARIABLE = "TUNESMITH_SERVING_ENGINE"
VLLM_VARIABLE, OFF = "TUNESMITH_SERVING_VLLM", "off"
IDLE_MINUTES = 15.0
LORA_RANK = 64
CACHE_GB = 50
#: Of the machine's memory. The rest is for training, for the studio, and for whoever sits at the machine.
MEMORY_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`slots`: how many answers a worker writes at a time. `context_length`: tokens of a prompt with its answer.

    `engine` answers on a processor what it can hold: OpenVINO is faster where several ask at once. `bits` of a weight
    in either: 8 are faster and round a little (docs/serving.md).
    """

    idle_s: float = IDLE_MINUTES * 60
    #: A model that nobody asks for is unloaded sooner where a job waits for its GPU, or for memory.
    gives_way_s: float = 30.0
    memory_bytes: int = 8 * GB
    #: What workers have made of models and adapters may take so much of the disk.
    cache_bytes: int = CACHE_GB * GB
    slots: int = 8
    context_length: int = 8192
    engine: Literal["llama.cpp", "openvino"] = "llama.cpp"
    bits: Literal[8, 16] = 16
    #: The Python of vLLM's own environment; OFF; or nothing, where it is in ours. The highest LoRA rank in its memory.
    vllm: str = ""
    lora_rank: int = LORA_RANK

    @classmethod
    def find(cls) -> "Settings":
        """As the environment says. Raises BadInput where it says what nobody understands."""
        share_gb = host_memory().total_bytes * MEMORY_SHARE / GB
        return cls(
            idle_s=_number(IDLE_VARIABLE, IDLE_MINUTES) * 60,
            memory_bytes=int(_number(MEMORY_VARIABLE, share_gb) * GB),
            cache_bytes=int(_number(CACHE_VARIABLE, CACHE_GB) * GB),
            engine=_engine(),
            bits=_bits(),
            vllm=os.environ.get(VLLM_VARIABLE, ""),
            lora_rank=int(_number(LORA_RANK_VARIABLE, LORA_RANK)),
        )


def _engine() -> Literal["llama.cpp", "openvino"]:
    match os.environ.get(ENGINE_VARIABLE, "llama.cpp"):
        case "llama.cpp":
            return "llama.cpp"
        case "openvino":
            # Looked up by name: the web process imports nothing of it.
            if find_spec("openvino") is None:
                raise BadInput(
                    "{variable} is “openvino”, which is not installed here. "
                    "Install it into the studio's environment (.venv/bin/pip install openvino), or leave it out.",
                    variable=ENGINE_VARIABLE,
                )
            return "openvino"
        case asked:
            raise BadInput(
                "{variable} is “{asked}”; set it to llama.cpp or openvino, or leave it out (llama.cpp).",
                variable=ENGINE_VARIABLE,
                asked=asked[:80],
            )


def _bits() -> Literal[8, 16]:
    match os.environ.get(BITS_VARIABLE, "16"):
        case "8":
            return 8
        case "16":
            return 16
        case asked:
            raise BadInput(
                "{variable} is “{asked}”; set it to 8 or 16, or leave it out (16).",
                variable=BITS_VARIABLE,
                asked=asked[:80],
            )


def _number(variable: str, default: float) -> float:
    asked = os.environ.get(variable, "")
    try:
        number = float(asked) if asked else default
    except ValueError:
        number = -1
    if not 0 < number < 1e6:
        raise BadInput(
            "{variable} is “{asked}”; set it to a number above 0, or leave it out ({default:g}).",
            variable=variable,
            asked=asked[:80],
            default=default,
        )
    return number
