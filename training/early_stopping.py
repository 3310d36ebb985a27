"""When a run that no longer gets better ends, and which of its checkpoints it exports. The rule is pure arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from storage import manifest
from storage.events import Log, Warn
from storage.measures import MEASURES, Measure
from storage.spec import RunSpec
from training.checkpoints import folder_of
from training.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: its best evaluation so far (the first of equals), and how many came after it."""

    best_step: int
    best: float
    since: int

    @classmethod
    def of(cls, log_history: Iterable[dict[str, float]], measure: Measure) -> "Standing | None":
        evaluated = list(measure.of(log_history))
        if not evaluated:
            return None
        at = min(range(len(evaluated)), key=lambda index: (measure.rank(evaluated[index][1]), index))
        return cls(*evaluated[at], since=len(evaluated) - 1 - at)


class EarlyStopping(TrainerCallback):
    """Asks the Trainer's own log, which lies in every checkpoint: a resumed run counts as if it had never stopped."""

    def __init__(self, spec: RunSpec, bench: Workbench) -> None:
        self._patience = spec.hyperparameters.early_stopping
        self._measure = MEASURES[spec.objective]
        self._bench = bench

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # Ended before it could export: the checkpoint of its last step is where it goes on, with nothing left to do.
        control.should_training_stop |= self._is_over(state)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        control.should_training_stop |= self._is_over(state)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # An epoch that an evaluation has cut short: the same step would be evaluated once more.
        if self._is_over(state):
            control.should_evaluate = False

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        standing = Standing.of(state.log_history, self._measure)
        is_early = self._is_over(state) and state.global_step < state.max_steps
        if standing and is_early and not self._bench.asked:
            self._bench.emit(Log(message=told(state.global_step, standing, self._measure)))

    def _is_over(self, state: TrainerState) -> bool:
        standing = Standing.of(state.log_history, self._measure) if self._patience else None
        return standing is not None and standing.since >= self._patience


def told(step: int, standing: Standing, measure: Measure) -> str:
    evaluations = "1 evaluation" if standing.since == 1 else f"{standing.since} evaluations"
    return (
        f"Stopped early at step {step}: best {measure.title} {standing.best:.4g} at step {standing.best_step}; "
        f"{evaluations} since brought nothing better."
    )


def exports_best(spec: RunSpec) -> bool:
    asked = spec.hyperparameters
    return asked.export_step == "best" or (asked.export_step == "auto" and asked.early_stopping > 0)


def load_exported(trainer: Any, spec: RunSpec, bench: Workbench) -> dict[str, float]:
    """Give the trainer's model the weights that are to be exported, and say which they are. For the first process."""
    state, measure = trainer.state, MEASURES[spec.objective]
    standing, patience = Standing.of(state.log_history, measure), spec.hyperparameters.early_stopping
    facts: dict[str, float] = {"exported_step": state.global_step}
    if standing and 0 < patience <= standing.since and state.global_step < state.max_steps:
        facts["stopped_early_step"] = state.global_step
    if standing and exports_best(spec):
        facts |= {"best_step": standing.best_step, "best_value": standing.best}
        if best := best_written(bench.run.checkpoints, state.log_history, measure):
            step, folder = best
            if step != state.global_step:
                trainer._load_from_checkpoint(str(folder))
            facts["exported_step"] = step
        else:
            bench.emit(Warn(message="No checkpoint with an evaluation was left, so the last step is exported."))
    return facts


def best_written(
    checkpoints: Path, log_history: Iterable[dict[str, float]], measure: Measure
) -> tuple[int, Path] | None:
    """The best evaluated step of which a checkpoint is whole, every byte of it."""
    values = dict(measure.of(log_history))
    for step in sorted(values, key=lambda step: (measure.rank(values[step]), step)):
        folder = folder_of(checkpoints, step)
        if step and folder.is_dir() and manifest.damage(folder) is None:
            return step, folder
    return None
