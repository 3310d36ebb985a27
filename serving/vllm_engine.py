"""vLLM on a CUDA device: refused, and why.

It has neither been installed nor run where this was written, and its asynchronous interface, the names of its adapters
and the way it ends would all be guesses. So the worker refuses it, and `storage.serving.engine_for` gives a CUDA device
to the transformers engine.
"""

from typing import NoReturn

from serving.engine import Tell
from serving.failures import CannotHold
from storage.serving import WorkerSpec


def vllm_engine(spec: WorkerSpec, _tell: Tell) -> NoReturn:
    raise CannotHold(f"This version has no vLLM engine. Serve {spec.base_name[:100]} with transformers.")
