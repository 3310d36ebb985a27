"""Reinforcement fine-tuning: one straight read from the spec to the sealed adapter."""

import contextlib

from peft import PeftModel
from transformers import PreTrainedTokenizerBase

from storage.events import Finished, Phase, Warn
from storage.methods import Full
from storage.retention import step_of
from storage.rows import Kind
from storage.spec import DatasetRef, RunSpec
from training.batches import TokenBatches
from training.course import answer_again, begin, clear_work, resume_point, speed
from training.early_stopping import load_exported
from training.export import seal_output
from training.failures import BadDataset, Unsupported, exporting
from training.grading import Grading
from training.holdout import Split, split_rows
from training.methods import in_base_dtype, parameter_counts, with_method, without_dropout
from training.model import fast_adapters, load_model
from training.preferences import load_prompts
from training.prompts import Prompt, batches_of, with_items
from training.reinforcement_trainer import ReinforcementTrainer, as_they_are
from training.reporter import Reporter
from training.rollout_log import RolloutLog
from training.sampling import show_answers
from training.tokenizer import load_tokenizer
from training.workbench import Workbench

#: Held-out prompts that are answered at each evaluation: more say little more for the time that they take.
MOST_EVALUATED = 256


def fine_tune(spec: RunSpec, bench: Workbench) -> Finished:
    require_possible(spec)
    begin(spec, bench)
    bench.emit(Phase(name="loading", detail=f"Tokenizer of {spec.model.name}"))
    tokenizer = load_tokenizer(spec.model)
    rows = read_rows(spec, tokenizer, bench)
    batches = batches_of(len(rows.train), spec.rft, spec.hyperparameters)

    bench.emit(Phase(name="loading", detail=f"Weights of {spec.model.name}"))
    base = load_model(spec.model, spec.compute, spec.method)
    checkpoint = resume_point(bench)
    if checkpoint is None and isinstance(spec.method, Full):  # beside an adapter the base is asked at the end
        show_answers(base, tokenizer, rows.shown, bench, tuned=False, held_out=bool(rows.held_out))
    # Dropout would make the answers another model's than the one that learns from them.
    model = with_method(base, without_dropout(spec.method), tokenizer)

    reporter = Reporter(bench, spec)
    clear_work(bench)
    with contextlib.ExitStack() as open_while_it_trains:
        grading = open_while_it_trains.enter_context(Grading(spec.rft.grader, bench))
        log = RolloutLog(bench.attempt, lines_of(batches, spec))
        open_while_it_trains.callback(log.close)
        open_while_it_trains.enter_context(fast_adapters(model, spec.compute))
        trainer = ReinforcementTrainer(
            model=model,
            train_dataset=rows.train,
            eval_dataset=rows.held_out[:MOST_EVALUATED] or None,
            data_collator=as_they_are,
            processing_class=tokenizer,
            spec=spec,
            batches=batches,
            bench=bench,
            grading=grading,
            log=log,
            reporter=reporter,
            resumes=checkpoint is not None,
            is_new=not isinstance(base, PeftModel),
        )
        bench.check()
        bench.step = step_of(checkpoint) if checkpoint else 0
        trainer.begin_with(training_phase(spec, batches, rows, bench.step), resumes=checkpoint is not None)
        train_loss = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None).training_loss
    clear_work(bench)
    if bench.step < trainer.state.max_steps or not bench.lifeline.is_pause:
        bench.check()  # a pause that came with the last step has nothing left to pause

    bench.emit(Phase(name="exporting", detail=spec.output_name))
    facts = {
        "train_loss": train_loss,
        **rewards(trainer.state.log_history),
        **parameter_counts(model),
        **speed(reporter, bench),
        **load_exported(trainer, spec, bench),
    }
    with exporting():
        model = in_base_dtype(model)
        seal_output(spec, bench.run, model, tokenizer, facts)
    answer_again(model, tokenizer, rows, spec.compute, bench)
    return Finished(outcome="completed", step=bench.step, facts=facts | speed(reporter, bench))


def require_possible(spec: RunSpec) -> None:
    """What core has refused already; a spec can also be written by hand."""
    if spec.rft.grader is None:
        raise Unsupported("Reinforcement needs a grader (rft.grader): it says which answers are good.")
    if spec.compute.devices > 1:
        raise Unsupported("Reinforcement runs on one device in this version. Ask for one.")


def read_rows(spec: RunSpec, tokenizer: PreTrainedTokenizerBase, bench: Workbench) -> Split:
    room = spec.hyperparameters.max_context_length - spec.rft.max_completion_tokens

    def load(dataset: DatasetRef) -> list[Prompt]:
        if dataset.kind is not Kind.REINFORCEMENT:
            raise BadDataset(f"{dataset.name} holds no prompts with columns for a grader. Choose one that does.")
        # A prompt has to leave room for the whole answer, and itself fits where it fills the rest.
        return with_items(load_prompts(dataset, spec.model, tokenizer, room + 1, bench), dataset)

    rows = split_rows(spec, load(spec.dataset), load, bench)
    if len(rows.held_out) > MOST_EVALUATED:
        message = f"Of {len(rows.held_out):,} held-out prompts the first {MOST_EVALUATED} are answered at evaluations."
        bench.emit(Warn(message=message))
    return rows


def lines_of(batches: TokenBatches, spec: RunSpec) -> int:
    """How many times the run will tell its rollouts: each step, and each evaluation."""
    asked = spec.hyperparameters
    steps = batches.steps_per_epoch * asked.epochs
    return steps + asked.epochs + 1 + (steps // asked.eval_steps if asked.eval_steps else 0)


def training_phase(spec: RunSpec, batches: TokenBatches, rows: Split, done: int) -> Phase:
    epochs, asked = spec.hyperparameters.epochs, spec.rft
    return Phase(
        name="training",
        detail=(
            f"{len(rows.train)} prompts, {len(rows.held_out)} held out; each step compares {asked.group_size} answers "
            f"to about {round(len(rows.train) / batches.steps_per_epoch)} of them"
        ),
        done=done,
        total=batches.steps_per_epoch * epochs,
        epochs=epochs,
    )


def rewards(log_history: list[dict[str, float]]) -> dict[str, float]:
    """Of the held-out prompts before the first step and after the last; of training the last step's."""
    evaluated = [entry["eval_reward"] for entry in log_history if "eval_reward" in entry]
    trained = [entry for entry in log_history if "reward" in entry]
    found = {"reward_first": evaluated[0], "reward_last": evaluated[-1]} if evaluated else {}
    if trained:
        found["train_reward"] = trained[-1]["reward"]
        found |= {"kl": trained[-1]["kl"]} if "kl" in trained[-1] else {}
    return found
