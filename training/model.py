"""The base model from a local folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from storage.files import read_json
from storage.methods import Full, Method, Qlora
from storage.spec import Compute, ModelRef
from training.tokenizer import folder_of


def load_model(model: ModelRef, compute: Compute, method: Method) -> PreTrainedModel:
    """The frozen weights in the type they compute in; 4 or 8 bits for QLoRA, float32 where they are trained."""
    # Only safetensors: a pickled checkpoint runs whatever code its author put in.
    loaded = AutoModelForCausalLM.from_pretrained(
        folder_of(model),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        # A step of full fine-tuning is smaller than bfloat16 can add to a weight; autocast still computes in bfloat16.
        dtype=torch.float32 if isinstance(method, Full) else getattr(torch, compute.weights_dtype),
        attn_implementation=compute.attention,
        **quantisation(method, compute),
    )
    return with_gradients(loaded) if isinstance(method, Qlora) else loaded.to(device_of(compute))


def quantisation(method: Method, compute: Compute) -> dict[str, Any]:
    """What `from_pretrained` is told for a quantised base (Dettmers et al. 2023: nf4 with double quantisation)."""
    if not isinstance(method, Qlora):
        return {}
    config = BitsAndBytesConfig(
        load_in_4bit=method.bits == 4,
        load_in_8bit=method.bits == 8,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=method.double_quantisation,
        bnb_4bit_compute_dtype=getattr(torch, compute.weights_dtype),
    )
    return {"quantization_config": config, "device_map": {"": device_of(compute)}}


def with_gradients(model: PreTrainedModel) -> PreTrainedModel:
    """bitsandbytes 0.50 packs 4-bit weights for some CPUs' fast kernel the first time that the model only answers.

    From then on it calculates with them in training, too, and no gradient passes through that kernel: LoRA's lost half
    of their direction, with a warning at most.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model


def device_of(compute: Compute) -> str:
    return "cpu" if compute.device == "cpu" else "cuda"


@contextlib.contextmanager
def fast_adapters(model: PreTrainedModel | PeftModel, compute: Compute) -> Iterator[None]:
    """While autocast decides the types, PEFT need not cast each adapter's input to float32: 1.2x faster on CPU."""
    with disable_input_dtype_casting(model, active=compute.weights_dtype == "bfloat16"):
        yield


def public_id(model: ModelRef) -> str:
    """The name under which others find the base model."""
    described = read_json(Path(model.path) / "model.json") or {}
    return str(described.get("public_id") or model.id)
