"""`python kept_logits.py write|read <model folder> <folder>`: what each method says, before and after it was kept.

`write` makes every method's weights differ from their start, keeps the output as a run does, and writes the logits.
`read`, in a fresh process, loads each output again and prints the largest difference for each.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch
from transformers.utils import logging

from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.run_folder import RunFolder
from storage.spec import Compute, DatasetRef, HoldOut, Hyperparameters, JobSpec, ModelRef, Objective, RunSpec
from training.export import seal_output
from training.methods import in_base_dtype, parameter_counts, with_method
from training.model import load_model
from training.tokenizer import load_tokenizer
from training.tuned import load_tuned

METHODS: dict[str, Method] = {
    "lora": Lora(dropout=0),
    "dora": Lora(dropout=0, dora=True, rslora=True),
    "qlora": Qlora(dropout=0),
    "qlora-8": Qlora(dropout=0, bits=8),
    "prefix": Prefix(length=8),
    "houlsby": Adapter(size=16),
    "pfeiffer": Adapter(size=16, placement="pfeiffer", activation="relu"),
    "full": Full(),
}
COMPUTE = Compute(device="cpu", threads=1, weights_dtype="bfloat16", micro_batch_tokens=512)
TEXT = "Question 3: why is the sky blue?"


def run_spec(name: str, model: ModelRef) -> RunSpec:
    return RunSpec(
        job_id=f"kept-{name}", output_name=name, created_at=datetime.now(UTC), created_by="tests",
        asked=JobSpec(model="tiny", dataset="rows"), objective=Objective.SFT, method=METHODS[name],
        hyperparameters=Hyperparameters(), model=model, evaluation=HoldOut(), compute=COMPUTE,
        dataset=DatasetRef(id="r", name="r", path="r", sha256="0" * 64, format="chat", rows=1, tokens_estimate=1),
    )  # fmt: skip


def logits_of(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits.float()


def write(model: ModelRef, folder: Path) -> None:
    tokenizer = load_tokenizer(model)
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    for name, method in METHODS.items():
        torch.manual_seed(0)
        base = load_model(model, COMPUTE, method)
        before = logits_of(base, ids)
        tuned = with_method(base, method, tokenizer)
        for parameter in (parameter for parameter in tuned.parameters() if parameter.requires_grad):
            parameter.data += torch.randn_like(parameter) * 0.05
        tuned = in_base_dtype(tuned)
        after = logits_of(tuned, ids)
        run = RunFolder.create(folder, run_spec(name, model))
        seal_output(run_spec(name, model), run, tuned, tokenizer, {})
        torch.save({"before": before, "after": after}, folder / f"{name}.pt")
        sys.stdout.write(json.dumps({"method": name, **parameter_counts(tuned)}) + "\n")


def read(model: ModelRef, folder: Path) -> None:
    ids = torch.tensor([load_tokenizer(model)(TEXT)["input_ids"]])
    for name, method in METHODS.items():
        kept = torch.load(folder / f"{name}.pt")
        loaded = load_tuned(folder / f"kept-{name}" / "output", model, method, COMPUTE)
        difference = (logits_of(loaded, ids) - kept["after"]).abs().max().item()
        effect = (kept["after"] - kept["before"]).abs().max().item()
        sys.stdout.write(json.dumps({"method": name, "difference": difference, "effect": effect}) + "\n")


if __name__ == "__main__":
    logging.set_verbosity_error()
    what, model_folder, outputs = sys.argv[1:]
    tiny = ModelRef(
        id="tiny", name="Tiny", path=model_folder, revision="0",
        context_length=512, parameters=0, hidden_size=64, layers=2,
    )  # fmt: skip
    {"write": write, "read": read}[what](tiny, Path(outputs))
