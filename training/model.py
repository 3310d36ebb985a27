"""The base model from a local folder, and the method that makes some of it trainable."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.helpers import disable_input_dtype_casting
from transformers import AutoModelForCausalLM, PreTrainedModel

from storage.files import read_json
from storage.methods import Lora, Method
from storage.spec import Compute, ModelRef
from training.dropout import quicken_dropout
from training.failures import Unsupported
from training.tokenizer import folder_of


def load_model(model: ModelRef, compute: Compute) -> PreTrainedModel:
    # Only safetensors: a pickled checkpoint runs whatever code its author put in.
    loaded = AutoModelForCausalLM.from_pretrained(
        folder_of(model),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=getattr(torch, compute.weights_dtype),
    )
    return loaded.to("cpu" if compute.device == "cpu" else "cuda")


def with_method(model: PreTrainedModel, method: Method) -> PeftModel:
    match method:
        case Lora():
            names = method.targets.split(",")
            config = LoraConfig(
                r=method.rank,
                lora_alpha=method.alpha,
                lora_dropout=method.dropout,
                target_modules=method.targets if names == ["all-linear"] else names,
                task_type="CAUSAL_LM",
            )
        case _:
            raise Unsupported(f"The method {method.kind} is coming; this version trains with lora.")
    tuned = get_peft_model(model, config)
    if model.device.type == "cpu":
        quicken_dropout(tuned)
    return tuned


@contextlib.contextmanager
def fast_adapters(model: PeftModel, compute: Compute) -> Iterator[None]:
    """While autocast decides the types, PEFT need not cast each adapter's input to float32: 1.2x faster on CPU."""
    with disable_input_dtype_casting(model, active=compute.weights_dtype == "bfloat16"):
        yield


def public_id(model: ModelRef) -> str:
    """The name under which others find the base model."""
    described = read_json(Path(model.path) / "model.json") or {}
    return str(described.get("public_id") or model.id)
