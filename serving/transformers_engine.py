"""transformers' models under continuous batching: every kind of adapter, and what the other engines cannot hold.

`model.generate` answers a batch that begins and ends together; `generate_batch` knows neither adapters nor prefixes.
"""

from pathlib import Path

import torch

from serving.batch_engine import BatchEngine, Kind
from serving.ends import ends_of
from serving.engine import Tell
from serving.group import Group
from serving.lanes import Lanes
from storage.methods import Lora
from storage.serving import WorkerSpec
from storage.spec import Compute
from training.environment import gpus_are_simulated
from training.model import load_model
from training.tokenizer import load_tokenizer


def transformers_engine(spec: WorkerSpec, tell: Tell) -> BatchEngine:
    """Loads the model and its adapters. Raises CannotHold for an adapter that has no lane."""
    torch.set_num_threads(spec.threads)
    tell("Loading the model", 0, 0)
    device = "cpu" if gpus_are_simulated() else spec.device
    compute = Compute(device=device, threads=spec.threads, weights_dtype=spec.weights_dtype, micro_batch_tokens=1)
    model = load_model(spec.model, compute, Lora()).eval()
    lanes = Lanes(model)
    kind = Kind(base=lanes.base, read=lanes.read, group=lambda: Group(lanes, model.device))
    engine = BatchEngine("transformers", kind, load_tokenizer(spec.model), ends_of(Path(spec.model.path)), spec)
    engine.load_adapters(spec.adapters, tell)
    return engine
