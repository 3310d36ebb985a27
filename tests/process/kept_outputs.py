"""`python kept_outputs.py <run folder>…`: each run's output, loaded by a process that did not train it.

Prints what it makes of the held-out rows, by an ordinary forward pass, and what it answers itself.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from storage.methods import Full
from storage.run_folder import RunFolder
from storage.spec import Objective, RunSpec
from training import dpo, rft, sft
from training.data import Example
from training.lifeline import Lifeline
from training.rollouts import Sampling, sample
from training.sampling import generate
from training.tokenizer import load_tokenizer
from training.tuned import load_tuned
from training.workbench import Workbench

READERS = {Objective.SFT: sft.read_rows, Objective.DPO: dpo.read_rows, Objective.RFT: rft.read_rows}


def log_probability(model: torch.nn.Module, answer: Example) -> float:
    """Of the learned tokens together."""
    ids = torch.tensor(answer.input_ids[None].astype("int64"))
    with torch.no_grad():
        # A prefix stands before the tokens in the output, too.
        logits = model(input_ids=ids).logits[:, -ids.shape[1] :].float()
    found = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    return float(found[:, torch.tensor(answer.learned[1:])].sum())


def measured(spec: RunSpec, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, held_out: list) -> dict:
    match spec.objective:
        case Objective.SFT:
            tokens = sum(int(row.learned[1:].sum()) for row in held_out)
            return {"eval_loss": -sum(log_probability(model, row) for row in held_out) / tokens}
        case Objective.DPO:
            return {
                f"eval_logps/{side}": sum(log_probability(model, getattr(pair, side)) for pair in held_out)
                / len(held_out)
                for side in ("chosen", "rejected")
            }
        case Objective.RFT:
            how = Sampling(1, 0.0, 1.0, spec.rft.max_completion_tokens, capacity=4096)
            said = sample(model, tokenizer, [row.input_ids for row in held_out], how, 0, lambda *_: None)
            return {"said": [answer.text for [answer] in said]}


def describe(run: RunFolder) -> dict[str, object]:
    spec = run.spec()
    # A whole model is kept in bfloat16.
    dtype = "bfloat16" if isinstance(spec.method, Full) else spec.compute.weights_dtype
    compute = spec.compute.model_copy(update={"weights_dtype": dtype})
    tokenizer = load_tokenizer(spec.model)
    bench = Workbench(run=run, events=None, lifeline=Lifeline(run.attempt(1)))
    rows = READERS[spec.objective](spec, tokenizer, bench)
    model = load_tuned(run.output, spec.model, spec.method, compute).eval()
    answers = generate(model, tokenizer, [row.conversation for row in rows.shown], lambda _: None)
    return {"run": run.job_id, **measured(spec, model, tokenizer, rows.held_out), "answers": answers}


if __name__ == "__main__":
    logging.set_verbosity_error()
    for folder in sys.argv[1:]:
        sys.stdout.write(json.dumps(describe(RunFolder(Path(folder)))) + "\n")
