"""What a run begins with: the base model, or what another run has made of it."""

from pathlib import Path

import torch
from peft import PeftConfig, PeftModel, PrefixTuningConfig, get_peft_model
from peft.utils import load_peft_weights
from transformers import PreTrainedModel

from storage import manifest
from storage.files import sha256_of
from storage.methods import Full, LowRank, Method, Prefix
from storage.run_folder import RunFolder
from storage.spec import Compute, ModelRef, RunSpec, Way
from training import adapter_layers  # noqa: F401 - importing it makes PEFT know the method
from training.dropout import quicken_dropout
from training.failures import ModelMissing
from training.methods import TASK
from training.model import device_of, load_model

ADAPTER = "adapter_config.json"
#: In an output that lies on top of another: that other, whole.
START = "start"


def starting_model(spec: RunSpec, run: RunFolder) -> PreTrainedModel | PeftModel:
    """With its adapter where that is trained on; else a model that the method is still to be put on."""
    if spec.start is None:
        return load_model(spec.model, spec.compute, spec.method)
    if wrong := manifest.damage(run.start):
        raise ModelMissing(f"What this run begins with is damaged: {wrong} Clone the job to begin anew.")
    if sha256_of(run.start / manifest.NAME) != spec.start.sha256:
        raise ModelMissing(f"What this run begins with is not the output of {spec.start.job_id} that was chosen.")
    if spec.start.way is Way.CONTINUE:
        return trained_on(run.start, spec.model, spec.compute, spec.method)
    return whole(run.start, spec.model, spec.compute, spec.method)


def trained_on(output: Path, base: ModelRef, compute: Compute, method: Method) -> PeftModel:
    """The adapter itself goes on; only its dropout may be another."""
    if isinstance(method, Prefix):
        return prefix_again(output, beneath(output, base, compute, method), method)
    config = PeftConfig.from_pretrained(str(output))
    if isinstance(method, LowRank):
        config.lora_dropout = method.dropout
    config.inference_mode = False
    model = PeftModel.from_pretrained(
        beneath(output, base, compute, method), output, config=config, is_trainable=True, local_files_only=True
    )
    if isinstance(method, LowRank) and compute.device == "cpu" and not method.dora:
        quicken_dropout(model)
    return model


def prefix_again(output: Path, base: PreTrainedModel, method: Prefix) -> PeftModel:
    """PEFT loads no prefix to be trained on: a new one gets what was kept."""
    tuned = get_peft_model(base, PrefixTuningConfig(num_virtual_tokens=method.length, task_type=TASK))
    kept = load_peft_weights(str(output), device=str(base.device))
    tuned.prompt_encoder[tuned.active_adapter].load_prompt_embeddings(kept["prompt_embeddings"].float())
    return tuned


def beneath(output: Path, base: ModelRef, compute: Compute, method: Method) -> PreTrainedModel:
    """What an output's adapter was put on: the base model, or another output that it lies on top of."""
    inner = output / START
    return whole(inner, base, compute, method) if inner.is_dir() else load_model(base, compute, method)


def whole(output: Path, base: ModelRef, compute: Compute, method: Method) -> PreTrainedModel:
    """An output as a model without adapters, ready for `method`."""
    if not (output / ADAPTER).is_file():
        return load_model(base.model_copy(update={"path": str(output)}), compute, method)
    # In float32: a bfloat16 weight has no room for a small change.
    exact = compute.model_copy(update={"weights_dtype": "float32"})
    merged = PeftModel.from_pretrained(beneath(output, base, exact, Full()), output, local_files_only=True)
    dtype = torch.float32 if isinstance(method, Full) else getattr(torch, compute.weights_dtype)
    model: PreTrainedModel = merged.merge_and_unload().to(dtype)
    return model.to(device_of(compute))
