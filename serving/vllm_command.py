"""What vLLM is started with.

Every option and variable was read in the sources of vLLM 0.11.0 and 0.33.0 (`vllm/entrypoints/…/cli_args.py`,
`vllm/engine/arg_utils.py`, `vllm/envs.py`); see https://docs.vllm.ai/en/stable/cli/serve/ and …/features/lora/.
"""

import json
import os
import sys
from pathlib import Path

from storage.serving import SIMULATED_VLLM_VARIABLE, WorkerSpec

#: Adapters in one pass, each with room for the highest rank on the GPU; and those that the processor's memory keeps.
MOST_LORAS, MOST_CPU_LORAS = 4, 64
#: What `max_lora_rank` may be; `vllm/config/lora.py`.
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
#: vLLM renders a chat when it starts. Ours are rendered in a limited child, and the model's own template never here.
HARMLESS_TEMPLATE = "{{ messages[0]['content'] }}"


def command_of(spec: WorkerSpec, socket: Path) -> list[str]:
    """No key, and nothing that lets a model's folder bring code: `--trust-remote-code` is never there."""
    return [
        *program(spec.vllm_python or sys.executable),
        *("serve", spec.model.path),
        *("--uds", str(socket)),
        *("--served-model-name", spec.base_name),
        *("--load-format", "safetensors"),
        *("--dtype", spec.weights_dtype),
        *("--max-model-len", str(spec.context_length)),
        *("--max-num-seqs", str(spec.slots)),
        *("--gpu-memory-utilization", f"{spec.gpu_share:.2f}"),
        # What is not asked for keeps our defaults, not those of the model's folder.
        *("--generation-config", "vllm"),
        *("--structured-outputs-config", json.dumps({"backend": "guidance"})),
        *("--chat-template", HARMLESS_TEMPLATE),
        "--enable-lora",
        *("--max-loras", str(MOST_LORAS)),
        *("--max-cpu-loras", str(MOST_CPU_LORAS)),
        *("--max-lora-rank", str(rank_of(spec))),
        "--disable-uvicorn-access-log",
        *("--uvicorn-log-level", "warning"),
    ]


def program(python: str) -> list[str]:
    """-P: the folder that it is started in holds nothing to import."""
    if os.environ.get(SIMULATED_VLLM_VARIABLE):
        return [sys.executable, "-P", str(Path(__file__).with_name("simulated_vllm.py"))]
    return [python, "-P", "-m", "vllm.entrypoints.cli.main"]


def rank_of(spec: WorkerSpec) -> int:
    return next((rank for rank in RANKS if rank >= spec.lora_rank), RANKS[-1])


def environment_of(spec: WorkerSpec, key: str) -> dict[str, str]:
    """Ours, over the worker's, which is an allow-list already."""
    # Beside its Python lie programs that it builds kernels with.
    programs = [str(Path(spec.vllm_python).parent)] if spec.vllm_python else []
    return dict(os.environ) | {
        "PATH": os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)]),
        "VLLM_API_KEY": key,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_CACHE_ROOT": str(Path(spec.cache) / "vllm"),
        "VLLM_CONFIG_ROOT": str(Path(spec.cache) / "vllm"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
