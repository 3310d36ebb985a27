"""A base model with another job's adapter merged into it, as a model's folder in the worker's cache.

What was trained on top of that adapter was trained on exactly this: the same code merges. It does so in a child,
because the worker of llama.cpp is to stay without torch.
"""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

from serving.engine import Tell
from serving.failures import ServingError
from serving.vllm_trouble import cause_of
from storage import manifest
from storage.files import read_json
from storage.serving import SPEC, WorkerSpec, merged_name

ROOT = Path(__file__).parents[1]
LOG = "merge.log"


def with_merged(spec: WorkerSpec, folder: Path, tell: Tell) -> WorkerSpec:
    """The same with the merged model in the base's place; made where it is not there yet. Raises ServingError."""
    if not spec.beneath:
        return spec
    target = merged_folder(spec)
    if not manifest.is_sealed(target):
        tell("Merging the other job's adapter into the base model", 0, 0)
        with (folder / LOG).open("wb") as log:
            command = [sys.executable, "-m", "serving.merged", str(folder)]
            code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
        if code:
            cause = cause_of((folder / LOG).read_text(errors="replace"))
            raise ServingError(f"The other job's adapter could not be merged into the base model: {cause}.")
    os.utime(target)  # what was used longest ago leaves the cache first
    return spec.model_copy(update={"beneath": "", "model": spec.model.model_copy(update={"path": str(target)})})


def merged_folder(spec: WorkerSpec) -> Path:
    return Path(spec.cache) / merged_name(spec.model, spec.beneath, spec.weights_dtype)


def merge(spec: WorkerSpec) -> None:
    """Beside the weights lies what lay beside the base's: tokenizer, template, settings."""
    from storage.methods import Lora
    from storage.spec import Compute
    from training.start import whole

    target = merged_folder(spec)
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    compute = Compute(device="cpu", threads=spec.threads, weights_dtype=spec.weights_dtype, micro_batch_tokens=1)
    whole(Path(spec.beneath), spec.model, compute, Lora()).save_pretrained(partial)
    for path in Path(spec.model.path).iterdir():
        is_weights = path.name.endswith((".safetensors", ".safetensors.index.json"))
        if path.is_file() and not is_weights and path.name != manifest.NAME and not (partial / path.name).exists():
            shutil.copyfile(path, partial / path.name)
    manifest.seal(partial, target)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    merge(WorkerSpec.model_validate(read_json(Path(sys.argv[1]) / SPEC)))
