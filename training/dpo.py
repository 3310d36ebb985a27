"""Direct preference optimisation: one straight read from the spec to the sealed adapter."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from storage.events import Finished, Phase, Warn
from storage.methods import Full
from storage.retention import step_of
from storage.rows import Kind
from storage.spec import DatasetRef, RunSpec
from training import reference
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
from training.early_stopping import load_exported
from training.export import seal_output
from training.failures import BadDataset, exporting
from training.holdout import Split, split_rows
from training.methods import in_base_dtype, parameter_counts, with_method, without_dropout
from training.model import fast_adapters
from training.preference_trainer import PairCollator, PreferenceTrainer
from training.preferences import Preference, load_preferences
from training.ranks import Rank
from training.reporter import Reporter
from training.sampling import show_answers
from training.start import starting_model
from training.tokenizer import load_tokenizer
from training.workbench import Workbench


def fine_tune(spec: RunSpec, bench: Workbench) -> Finished:
    begin(spec, bench)
    bench.emit(Phase(name="loading", detail=f"Tokenizer of {spec.model.name}"))
    tokenizer = load_tokenizer(spec.model)
    rows = read_rows(spec, tokenizer, bench)
    batches = batches_of(rows.train, spec, bench.rank)

    bench.emit(Phase(name="loading", detail=f"Weights of {spec.model.name}"))
    base = starting_model(spec, bench.run)
    checkpoint = resume_point(bench)
    if checkpoint is None and bench.rank.is_first and isinstance(spec.method, Full):
        show_answers(base, tokenizer, rows.shown, bench, tuned=False, held_out=bool(rows.held_out))
    model = with_method(base, without_dropout(spec.method), tokenizer)

    reporter = Reporter(bench, spec)
    clear_work(bench)
    bench.group.wait()  # for the base model's answers
    trainer = PreferenceTrainer(
        model=model,
        train_dataset=as_dataset(rows.train),
        eval_dataset=as_dataset(rows.held_out, first=len(rows.train)) if rows.held_out else None,
        data_collator=PairCollator(tokenizer.pad_token_id, np.zeros((len(rows.train) + len(rows.held_out), 2))),
        processing_class=tokenizer,
        spec=spec,
        batches=batches,
        bench=bench,
        reporter=reporter,
        resumes=checkpoint is not None,
    )
    with fast_adapters(model, spec.compute):
        # Now: a moment later the checkpoint's weights are loaded, and the model is no longer as it started.
        if not spec.dpo.reference_free:
            trainer.data_collator.reference = reference_of(rows, trainer, bench)
        bench.check()
        bench.step = step_of(checkpoint) if checkpoint else 0
        trainer.begin_with(training_phase(spec, batches, rows, bench.step), resumes=checkpoint is not None)
        train_loss = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None).training_loss
    bench.group.part()
    clear_work(bench)
    if bench.step < trainer.state.max_steps or not bench.lifeline.is_pause:
        bench.check()  # a pause that came with the last step has nothing left to pause
    if not bench.rank.is_first:
        return Finished(outcome="completed", step=bench.step)  # only the first writes and answers

    bench.emit(Phase(name="exporting", detail=spec.output_name))
    facts = {
        "train_loss": train_loss,
        **losses(trainer.state.log_history),
        **preferences(trainer.state.log_history),
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
    def load(dataset: DatasetRef) -> list[Preference]:
        if dataset.kind is not Kind.PREFERENCE:
            raise BadDataset(f"{dataset.name} holds no pairs of a chosen and a rejected answer. Choose one that does.")
        return load_preferences(dataset, spec.model, tokenizer, spec.hyperparameters.max_context_length, bench)

    return split_rows(spec, load(spec.dataset), load, bench)


def batches_of(pairs: Sequence[Preference], spec: RunSpec, rank: Rank) -> TokenBatches:
    asked = spec.hyperparameters
    if len(pairs) < rank.size:
        raise BadDataset(f"{len(pairs)} pairs are left to train on, too few for {rank.size} GPUs. Choose fewer GPUs.")
    lengths = [(len(pair.chosen.input_ids), len(pair.rejected.input_ids)) for pair in pairs]
    return TokenBatches(
        [chosen + rejected for chosen, rejected in lengths],
        tokens_per_step=asked.batch_size * asked.gradient_accumulation_steps,
        micro_batch_tokens=spec.compute.micro_batch_tokens,
        seed=asked.seed,
        rank=rank,
        widths=[2 * max(both) for both in lengths],
    )


def as_dataset(pairs: Sequence[Preference], first: int = 0) -> Dataset:
    """`first`: the number of the first pair, by which the collator finds its reference."""
    return Dataset.from_dict(
        {
            "number": range(first, first + len(pairs)),
            "chosen_ids": [pair.chosen.input_ids for pair in pairs],
            "chosen_learned": [pair.chosen.learned for pair in pairs],
            "rejected_ids": [pair.rejected.input_ids for pair in pairs],
            "rejected_learned": [pair.rejected.learned for pair in pairs],
        }
    )


def reference_of(rows: Split, trainer: PreferenceTrainer, bench: Workbench) -> np.ndarray:
    """Kept by an earlier attempt, or found now. The trainer's model must be as it starts."""
    digest = reference.digest_of([*rows.train, *rows.held_out])
    folder = bench.run.reference
    found = reference.kept(folder, digest)
    if not bench.group.from_first(found is not None):
        found = trainer.starting_logps()
        if bench.rank.is_first:
            if folder.exists():
                bench.emit(Warn(message="The kept reference was damaged or of other pairs; it was made again."))
            reference.keep(folder, digest, found)
    return found if found is not None else reference.kept(folder, digest)


def preferences(log_history: list[dict[str, float]]) -> dict[str, float]:
    """Of the held-out pairs, before the first step and after the last; the shares are 0 to 1."""
    found = [entry for entry in log_history if "eval_preferred" in entry]
    if not found:
        return {}
    return {
        "preferred_first": found[0]["eval_preferred"],
        "preferred_last": found[-1]["eval_preferred"],
        "reward_accuracy": found[-1]["eval_rewards/accuracies"],
        "reward_margin": found[-1]["eval_rewards/margins"],
    }
