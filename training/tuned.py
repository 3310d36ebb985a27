"""A finished run's output, loaded again: an adapter on its base, or a whole model."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel

from storage.methods import Method
from storage.spec import Compute, ModelRef
from training.start import ADAPTER, beneath


def load_tuned(
    output: Path, base: ModelRef, method: Method, compute: Compute, *, trainable: bool = False
) -> PreTrainedModel | PeftModel:
    """`trainable`: to be trained on. The base is quantised as it was in training."""
    if not (output / ADAPTER).is_file():
        model = AutoModelForCausalLM.from_pretrained(
            output,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32 if trainable else getattr(torch, compute.weights_dtype),
        )
        return model.to("cpu" if compute.device == "cpu" else "cuda")
    loaded = beneath(output, base, compute, method)
    return PeftModel.from_pretrained(loaded, output, is_trainable=trainable, local_files_only=True)
