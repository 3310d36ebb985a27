"""Supervised fine-tuning: one straight read from the spec to the sealed adapter."""

from collections.abc import Sequence

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from storage.events import Finished, Phase
from storage.methods import Full
from storage.retention import step_of
from storage.spec import DatasetRef, RunSpec
from training.batches import TokenBatches
from training.course import (
    answer_again,
    begin,
    clear_work,
    losses,
    resume_point,
    speed,
    training_phase,
)
from training.data import Example, load_examples
from training.early_stopping import load_exported
from training.export import seal_output
from training.failures import BadDataset, exporting
from training.fused import fused
from training.holdout import Split, split_rows
from training.methods import in_base_dtype, parameter_counts, with_method
from training.model import fast_adapters
from training.ranks import Rank
from training.reporter import Reporter
from training.sampling import show_answers
from training.start import starting_model
from training.token_trainer import TokenTrainer
from training.tokenizer import load_tokenizer
from training.workbench import Workbench


def fine_tune(spec: RunSpec, bench: Workbench) -> Finished:
    begin(spec, bench)

    # Rows before weights: a broken dataset is told in a moment and costs no memory.
    bench.emit(Phase(name="loading", detail=f"Tokenizer of {spec.model.name}"))
    tokenizer = load_tokenizer(spec.model)
    rows = read_rows(spec, tokenizer, bench)
    batches = batches_of(rows.train, spec, bench.rank)

    bench.emit(Phase(name="loading", detail=f"Weights of {spec.model.name}"))
    base = starting_model(spec, bench.run)
    checkpoint = resume_point(bench)
    if checkpoint is None and bench.rank.is_first and isinstance(spec.method, Full):
        # Its weights are about to change; beside an adapter the base model is asked at the end, and costs no start.
        show_answers(base, tokenizer, rows.shown, bench, tuned=False, held_out=bool(rows.held_out))
    model = with_method(base, spec.method, tokenizer)

    reporter = Reporter(bench, spec)
    clear_work(bench)
    bench.group.wait()  # for the base model's answers
    trainer = TokenTrainer(
        model=model,
        train_dataset=as_dataset(rows.train),
        eval_dataset=as_dataset(rows.held_out) if rows.held_out else None,
        processing_class=tokenizer,
        spec=spec,
        batches=batches,
        bench=bench,
        reporter=reporter,
        resumes=checkpoint is not None,
    )
    if not bench.rank.is_first:
        # Else all would drop the same places of their different rows. A checkpoint brings each its own state.
        torch.manual_seed(spec.hyperparameters.seed + bench.rank.number)
    bench.check()
    bench.step = step_of(checkpoint) if checkpoint else 0
    trainer.begin_with(training_phase(spec, batches, rows, bench.step), resumes=checkpoint is not None)
    with fast_adapters(model, spec.compute), fused(model, active=spec.compute.fused):
        train_loss = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None).training_loss
    bench.group.part()
    clear_work(bench)
    if bench.step < trainer.state.max_steps or not bench.lifeline.is_pause:
        bench.check()  # a pause that came with the last step has nothing left to pause
    if not bench.rank.is_first:
        return Finished(outcome="completed", step=bench.step)  # only the first writes and answers

    # Sealed before it is asked anything: whatever happens to the answers, the adapter is safe.
    bench.emit(Phase(name="exporting", detail=spec.output_name))
    facts = {
        "train_loss": train_loss,
        **losses(trainer.state.log_history),
        **parameter_counts(model),
        **speed(reporter, bench),
        **load_exported(trainer, spec, bench),
    }
    with exporting():
        model = in_base_dtype(model)
        seal_output(spec, bench.run, model, tokenizer, facts)
    answer_again(model, tokenizer, rows, spec.compute, bench)
    return Finished(outcome="completed", step=bench.step, facts=facts | speed(reporter, bench))


def read_rows(spec: RunSpec, tokenizer: PreTrainedTokenizerBase, bench: Workbench) -> Split:
    def load(dataset: DatasetRef) -> list[Example]:
        return load_examples(dataset, spec.model, tokenizer, spec.hyperparameters.max_context_length, bench)

    return split_rows(spec, load(spec.dataset), load, bench)


def batches_of(examples: Sequence[Example], spec: RunSpec, rank: Rank) -> TokenBatches:
    asked = spec.hyperparameters
    if len(examples) < rank.size:
        raise BadDataset(f"{len(examples)} rows are left to train on, too few for {rank.size} GPUs. Choose fewer GPUs.")
    return TokenBatches(
        [len(example.input_ids) for example in examples],
        tokens_per_step=asked.batch_size * asked.gradient_accumulation_steps,
        micro_batch_tokens=spec.compute.micro_batch_tokens,
        seed=asked.seed,
        rank=rank,
    )


def as_dataset(examples: Sequence[Example]) -> Dataset:
    return Dataset.from_dict(
        {
            "input_ids": [example.input_ids for example in examples],
            "labels": [example.labels for example in examples],
        }
    )
