"""`python kept_preferences.py <run folder>…`: each run's output, loaded by a process that did not train it.

Prints how likely it finds the held-out answers, by an ordinary forward pass, and what it answers itself.
"""

import json
import sys
from pathlib import Path

import torch
from transformers.utils import logging

from storage.methods import Full
from storage.run_folder import RunFolder
from training.data import Example
from training.dpo import read_rows
from training.lifeline import Lifeline
from training.sampling import generate
from training.tokenizer import load_tokenizer
from training.tuned import load_tuned
from training.workbench import Workbench


def log_probability(model: torch.nn.Module, answer: Example) -> float:
    ids = torch.tensor(answer.input_ids[None].astype("int64"))
    with torch.no_grad():
        # A prefix stands before the tokens in the output, too.
        logits = model(input_ids=ids).logits[:, -ids.shape[1] :].float()
    found = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    return float(found[:, torch.tensor(answer.learned[1:])].sum())


def describe(run: RunFolder) -> dict[str, object]:
    spec = run.spec()
    # A whole model is kept in bfloat16.
    dtype = "bfloat16" if isinstance(spec.method, Full) else spec.compute.weights_dtype
    compute = spec.compute.model_copy(update={"weights_dtype": dtype})
    tokenizer = load_tokenizer(spec.model)
    rows = read_rows(spec, tokenizer, Workbench(run=run, events=None, lifeline=Lifeline(run.attempt(1))))
    model = load_tuned(run.output, spec.model, spec.method, compute).eval()
    sides = {
        side: sum(log_probability(model, getattr(pair, side)) for pair in rows.held_out) / len(rows.held_out)
        for side in ("chosen", "rejected")
    }
    answers = generate(model, tokenizer, [pair.conversation for pair in rows.shown], lambda _: None)
    return {"run": run.job_id, **sides, "answers": answers}


if __name__ == "__main__":
    logging.set_verbosity_error()
    for folder in sys.argv[1:]:
        sys.stdout.write(json.dumps(describe(RunFolder(Path(folder)))) + "\n")
