"""OpenVINO, in this process, by its wheel: on processors that multiply 8-bit numbers (AVX-512 VNNI, AMX), answers that
share their steps cost a fraction of llama.cpp's. For the base and plain LoRA adapters, which mix in one pass.
"""

import importlib.util
import sys
from pathlib import Path

import torch

from serving.batch_engine import BatchEngine, Kind
from serving.converted import Converted
from serving.ends import ends_of
from serving.engine import Tell
from serving.failures import CannotHold
from storage.serving import WorkerSpec
from training.tokenizer import load_tokenizer


def openvino_engine(spec: WorkerSpec, tell: Tell) -> BatchEngine:
    """Makes the graph where it is not there yet. Raises CannotHold."""
    if importlib.util.find_spec("openvino") is None:
        raise CannotHold("OpenVINO is not installed here; it comes with Tunesmith's extra “openvino”.")
    # It is there to send usage statistics; without it, OpenVINO goes on with a stub of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    from serving.openvino_group import PagedGroup
    from serving.openvino_lora import LoraArrays, read_lora
    from serving.openvino_pass import Passes

    # What is left to torch is choosing tokens.
    torch.set_num_threads(1)

    def told(done: int, total: int) -> None:
        tell("Making the graph", done, total)

    graph = Converted(Path(spec.cache), Path(spec.model.path), bits=spec.bits).graph(told)
    tell("Loading the model", 0, 0)
    passes = Passes(graph, threads=spec.threads)

    def read(folder: Path) -> LoraArrays:
        return read_lora(folder, passes.make_room_for_lora())

    kind = Kind(base=LoraArrays(0, 0.0, {}), read=read, group=lambda: PagedGroup(passes))
    engine = BatchEngine("openvino", kind, load_tokenizer(spec.model), ends_of(Path(spec.model.path)), spec)
    engine.load_adapters(spec.adapters, tell)
    return engine
