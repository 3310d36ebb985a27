"""The Trainer's callback: one Metric a step, and the place where a run hears that it should stop."""

import math
import resource
import time
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from storage.events import Metric, Warn
from storage.measures import MEASURES
from storage.run_folder import Request, Stretch
from storage.spec import RunSpec
from training.cadence import Cadence
from training.early_stopping import exports_best
from training.failures import NanLoss
from training.methods import parameter_counts
from training.workbench import Workbench

#: Of pairs: rewards are beta times the change of an answer's log-probability.
PREFERENCE = (
    "rewards/chosen",
    "rewards/rejected",
    "rewards/margins",
    "rewards/accuracies",
    "logps/chosen",
    "logps/rejected",
)
#: Of sampled answers; `reward/NAME` is a multi grader's member.
REINFORCEMENT = ("reward", "completion_tokens", "completion_clipped")
#: What a trainer logs that is worth a curve of its own.
KEPT = frozenset(
    {
        *("loss", "learning_rate", "grad_norm", "entropy", "mean_token_accuracy", *PREFERENCE),
        *("kl", "reward_std", "zero_spread", "identical", *REINFORCEMENT),
        *(f"eval_{name}" for name in ("loss", "preferred", *PREFERENCE, *REINFORCEMENT)),
    }
)
PARTS = ("reward/", "eval_reward/")


class Reporter(TrainerCallback):
    def __init__(self, bench: Workbench, spec: RunSpec) -> None:
        self._bench = bench
        self._eval_steps = spec.hyperparameters.eval_steps
        self._plan = spec.retention
        self._measure = MEASURES[spec.objective]
        self._exports_best = exports_best(spec)
        self.cadence = Cadence(self._plan)
        self._passes_done = 0
        self._step_began = 0.0
        self._step_s = 0.0
        self.tokens = 0
        self.training_s = 0.0
        self._steps = 0
        #: How many weights are trained and there: told with the first step.
        self._counts: dict[str, float] = {}

    @property
    def tokens_per_second(self) -> float:
        """Over the optimizer steps alone; evaluations and checkpoints do not count."""
        return self.tokens / self.training_s if self.training_s else 0.0

    @property
    def step_seconds(self) -> float:
        """The mean over this attempt's steps."""
        return self.training_s / self._steps if self._steps else 0.0

    def on_train_begin(self, *_: Any, model: PreTrainedModel | PeftModel, **__: Any) -> None:
        self.cadence = Cadence(self._plan)  # loading took no training time
        self._counts = parameter_counts(model)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        self._step_began = time.monotonic()
        self._passes_done = 0
        self._tell_pass(args, state)

    def on_substep_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._passes_done += 1
        self._tell_pass(args, state)
        self._bench.listen()
        if self._bench.asked is not Request.PAUSE:  # it waits for the step, which cannot be saved by halves
            self._stop_if_asked(control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._step_s = time.monotonic() - self._step_began
        self.training_s += self._step_s
        self._steps += 1
        self._bench.lifeline.is_at(None)
        self._bench.step = state.global_step
        self._bench.listen()
        self._stop_if_asked(control)
        if ends_epoch(args, state):
            return  # evaluated and saved in a moment, as every epoch's end is
        asked, step = self._bench.asked, state.global_step
        if self._eval_steps and step % self._eval_steps == 0 and asked in (None, Request.PAUSE):
            control.should_evaluate = args.eval_strategy != "no"
        if asked is Request.PAUSE or (asked is None and self._is_due(step)):
            control.should_save = True
        elif warning := self.cadence.stretched(step):
            self._bench.emit(Warn(message=warning))

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The best of several evaluations within an epoch can only be kept if it is written there and then."""
        step, ranks = state.global_step, self._measure.ranks(dict(self._measure.of(state.log_history)))
        is_best = step in ranks and min(ranks, key=lambda one: (ranks[one], one)) == step
        if is_best and step and not ends_epoch(args, state):
            control.should_save |= self._exports_best or self._is_due(step, is_best=True)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # The Trainer would evaluate and save an epoch that was cut short. One that is complete is closed as ever, so
        # that a pause at this very step leaves no hole in the curve.
        asked = self._bench.asked
        if asked and not (asked is Request.PAUSE and ends_epoch(args, state)):
            control.should_evaluate = control.should_save = False

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **_: Any,
    ) -> None:
        values = {name: finite(value) for name, value in logs.items() if name in KEPT or name.startswith(PARTS)}
        if "loss" in logs:
            step_tokens = logs["num_tokens"] - self.tokens
            self.tokens = int(logs["num_tokens"])
            values |= {"tokens_per_second": step_tokens / self._step_s, "memory_bytes": memory_bytes()}
            values |= {"step_seconds": self._step_s, **self._counts}
            self._counts = {}
        if values:
            self._bench.emit(Metric(step=state.global_step, epoch=state.epoch or 0.0, values=values))
        if not math.isfinite(logs.get("loss", 0.0)):
            raise NanLoss(
                f"The loss was no number any more after step {state.global_step}. Lower the learning rate "
                "(a tenth is a good next try) and look for broken rows in the dataset."
            )

    def _is_due(self, step: int, *, is_best: bool = False) -> bool:
        """By the first process's clock, and only it knows how long writing takes. All of them ask, or none."""
        return bool(self._bench.group.from_first(self.cadence.is_due(step, is_best=is_best)))

    def _tell_pass(self, args: TrainingArguments, state: TrainerState) -> None:
        passes = args.gradient_accumulation_steps
        self._bench.lifeline.is_at(Stretch("pass", state.global_step + 1, self._passes_done, passes))

    def _stop_if_asked(self, control: TrainerControl) -> None:
        if self._bench.asked:
            control.should_training_stop = True


def ends_epoch(args: TrainingArguments, state: TrainerState) -> bool:
    return state.global_step % (state.max_steps // int(args.num_train_epochs)) == 0


def finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def memory_bytes() -> int:
    """On the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - every step, so no Path is built
        return int(file.read().split()[1]) * resource.getpagesize()


def peak_memory_bytes() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
