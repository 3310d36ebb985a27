"""What a run does before its steps and after them, whatever its objective."""

import shutil
import time
from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from storage.events import Phase, Warn
from storage.retention import step_of
from storage.spec import Compute, RunSpec
from training import checkpoints
from training.batches import TokenBatches
from training.holdout import Split
from training.lifeline import Stopped
from training.model import fast_adapters
from training.process_group import ProcessGroup
from training.reporter import Reporter, peak_memory_bytes
from training.sampling import show_answers
from training.workbench import Workbench


def begin(spec: RunSpec, bench: Workbench) -> None:
    """Threads, seed, and the other processes of the run."""
    torch.set_num_threads(spec.compute.threads)
    set_seed(spec.hyperparameters.seed)
    if bench.rank.size > 1:
        bench.group = ProcessGroup(
            bench.rank, bench.attempt.path / "meeting-place", on_gpus=spec.compute.device != "cpu"
        )


def resume_point(bench: Workbench) -> Path | None:
    """Chosen by the first process for all: choosing sets damaged checkpoints aside."""
    found = None
    if bench.rank.is_first:
        found = checkpoints.newest_valid(bench.run.checkpoints, lambda what: bench.emit(Warn(message=what)))
    step = bench.group.from_first(step_of(found) if found else 0)
    return checkpoints.folder_of(bench.run.checkpoints, step) if step else None


def clear_work(bench: Workbench) -> None:
    """What a checkpoint that was never finished left behind."""
    if bench.rank.is_first:
        shutil.rmtree(bench.run.checkpoints / checkpoints.WORK, ignore_errors=True)


def training_phase(spec: RunSpec, batches: TokenBatches, rows: Split, done: int) -> Phase:
    epochs, passes = spec.hyperparameters.epochs, batches.micro_batches_per_step
    shared = f", shared by {spec.compute.devices} processes" if spec.compute.devices > 1 else ""
    return Phase(
        name="training",
        detail=(
            f"{len(rows.train)} rows, {len(rows.held_out)} held out; "
            f"each step takes {passes} forward pass{'es' if passes > 1 else ''}{shared}"
        ),
        done=done,
        total=batches.steps_per_epoch * epochs,
        epochs=epochs,
    )


def answer_again(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Split,
    compute: Compute,
    bench: Workbench,
) -> None:
    autocast = torch.autocast(model.device.type, torch.bfloat16, enabled=compute.weights_dtype == "bfloat16")
    try:
        if isinstance(model, PeftModel):
            # The base model as it was; a fully tuned one had to be asked before.
            with model.disable_adapter():
                show_answers(model, tokenizer, rows.shown, bench, tuned=False, held_out=bool(rows.held_out))
        with autocast, fast_adapters(model, compute):
            show_answers(model, tokenizer, rows.shown, bench, tuned=True, held_out=bool(rows.held_out))
    except Stopped:
        bench.emit(Warn(message="Asked to stop when the adapter was already written; its answers were left out."))
    except (RuntimeError, ValueError, MemoryError) as error:
        bench.emit(Warn(message=f"The adapter is written, but asking it failed: {error}"))


def losses(log_history: list[dict[str, float]]) -> dict[str, float]:
    """The Trainer's log outlives a resume: first is before the first step, whichever attempt took it."""
    found = [entry["eval_loss"] for entry in log_history if "eval_loss" in entry]
    return {"eval_loss_first": found[0], "eval_loss_last": found[-1]} if found else {}


def speed(reporter: Reporter, bench: Workbench) -> dict[str, float]:
    return {
        "tokens": reporter.tokens,
        "tokens_per_second": reporter.tokens_per_second,
        "step_seconds": reporter.step_seconds,
        "seconds": time.monotonic() - bench.began,
        "peak_memory_bytes": peak_memory_bytes(),
    }
