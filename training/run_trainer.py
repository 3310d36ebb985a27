"""What our trainers of every objective share: the settings, our batches, our evaluation's passes, our checkpoints."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import trl.trainer.utils
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from storage.events import Checkpoint, Phase
from storage.files import bytes_of
from storage.measures import MEASURES
from storage.run_folder import Stretch
from storage.spec import RunSpec
from training import checkpoints
from training.batches import TokenBatches, fill
from training.early_stopping import EarlyStopping
from training.prompt_samples import PromptSamples
from training.rehearsal import Rehearsal, pays, weight
from training.reporter import Reporter
from training.workbench import Workbench

# Where there is no Triton, TRL scores every position, prompts and padding too, because some accelerators compile for
# fixed shapes. A CPU does not: scoring only what is learned makes the whole step 1.2x faster. GPUs do so anyway.
trl.trainer.utils._use_triton = lambda _device: True


def settings(
    spec: RunSpec, batches: TokenBatches, bench: Workbench, *, evaluates: bool, resumes: bool
) -> dict[str, Any]:
    """What we ask of TRL; everything not named here is its default."""
    asked, compute = spec.hyperparameters, spec.compute
    return {
        "output_dir": str(bench.run.checkpoints / checkpoints.WORK),
        "num_train_epochs": asked.epochs,
        "gradient_accumulation_steps": batches.passes_per_step,
        "learning_rate": asked.learning_rate,
        "lr_scheduler_type": asked.scheduler,
        "warmup_steps": asked.warmup_steps,
        "weight_decay": asked.weight_decay,
        "max_grad_norm": asked.max_gradient_norm,
        "neftune_noise_alpha": asked.neftune_alpha or None,
        "seed": asked.seed,
        "use_cpu": compute.device == "cpu",
        "ddp_find_unused_parameters": False,  # every adapter takes part in every step
        "bf16": compute.weights_dtype == "bfloat16",
        "activation_checkpointing": compute.gradient_checkpointing,
        "optim": compute.optimizer,
        "use_liger_kernel": compute.liger,
        "torch_compile": compute.compiled,
        "max_length": None,  # rows are cut before, where we can tell which
        "eval_strategy": "epoch" if evaluates else "no",
        "eval_on_start": evaluates and not resumes,
        "save_strategy": "epoch",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # it would replace NaN by an average, and hide it
        "dataloader_pin_memory": compute.device != "cpu",
        "disable_tqdm": True,
        "report_to": "none",
    }


class RunTrainer:
    """Stands before a TRL trainer in a class's bases, and adds what cannot be set."""

    def __init__(
        self,
        *,
        spec: RunSpec,
        batches: TokenBatches,
        bench: Workbench,
        reporter: Reporter,
        args: TrainingArguments,
        **kwargs: Any,
    ) -> None:
        self._spec, self._batches, self._bench, self._reporter = spec, batches, bench, reporter
        callbacks = [reporter, EarlyStopping(spec, bench), PromptSamples(spec, bench)]
        super().__init__(args=args, callbacks=callbacks, **kwargs)
        self.remove_callback(PrinterCallback)
        train_in_float32(self.model)

    def get_train_dataloader(self) -> DataLoader[Any]:
        loader = DataLoader(
            self.train_dataset,
            batch_sampler=self._batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        # Not accelerator.prepare: the batches are dealt out already, and its own dealing forgets the epoch: each would
        # be shuffled like the first.
        return prepare_data_loader(loader, self.args.device, num_processes=1, process_index=0, put_on_device=True)

    def _run_epoch(self, **kwargs: Any) -> None:
        """Nothing where the run was over when it was saved: the Trainer looks only after the first step."""
        if not self.control.should_training_stop:
            super()._run_epoch(**kwargs)

    def begin_with(self, opening: Phase, *, resumes: bool) -> None:
        """What is told when the steps begin; before it, a new run tries the largest pass of its first epoch."""
        rows = [] if resumes else self._rows_to_try()
        self.add_callback(Rehearsal(self, self._bench, opening, rows))

    def _rows_to_try(self) -> list[int]:
        """All processes try one, or none: they count together in every pass."""
        passes, widths = list(self._batches.passes(0)), self._batches.widths
        largest = max(passes, key=lambda rows: weight(rows, widths))
        match self._spec.compute.rehearsal:
            case "auto" if self._spec.compute.device == "cpu":
                wanted = pays(passes, widths, self._evaluation_passes())
            case choice:
                wanted = choice != "never"  # on a GPU it takes no time worth saving
        return largest if self._bench.group.sum(wanted)[0] else []

    def _evaluation_passes(self) -> int:
        """About so many, by the rows' number: how wide they are, each objective knows for itself."""
        held_out = len(self.eval_dataset) if self.eval_dataset is not None else 0
        a_pass = max(1, len(self.train_dataset) // max(1, len(self._batches) * self._bench.rank.size))
        return held_out // a_pass

    def held_out_passes(self, widths: Sequence[int]) -> Iterator[tuple[dict[str, Any], bool]]:
        """The evaluation's inputs, and whether they count here: each process has its share of the passes.

        TRL counts across the processes in every pass: where none is left for this one, it repeats the last.
        """
        passes = fill(range(len(widths)), widths, self._spec.compute.micro_batch_tokens)
        for start in range(0, len(passes), self._bench.rank.size):
            self._bench.check_cancelled()
            self._bench.lifeline.is_at(Stretch("evaluation", self.state.global_step, start, len(passes)))
            mine = start + self._bench.rank.number
            rows = passes[min(mine, len(passes) - 1)]
            yield (
                self._prepare_inputs(self.data_collator([self.eval_dataset[row] for row in rows])),
                mine < len(passes),
            )
        self._bench.lifeline.is_at(None)

    def tell_evaluation(self, metrics: dict[str, float]) -> dict[str, float]:
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        began = time.monotonic()
        # Past TRL's own, which would write a model card into every checkpoint.
        Trainer._save_checkpoint(self, model, trial)
        self._bench.group.wait()  # each has written the state of its random numbers
        if self._bench.rank.is_first:
            self._seal_checkpoint()
            self._reporter.cadence.written(time.monotonic() - began)

    def _seal_checkpoint(self) -> None:
        written = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        step, folder = self.state.global_step, self._bench.run.checkpoints
        measure = MEASURES[self._spec.objective]
        values = dict(measure.of(self.state.log_history))
        sealed = checkpoints.seal(written, folder, step, self._spec.retention, measure.ranks(values))
        judged = {measure.key: values.get(step)}
        self._bench.emit(Checkpoint(step=step, name=sealed.name, bytes=bytes_of(sealed), **judged))


def train_in_float32(model: torch.nn.Module) -> None:
    """TRL turns an adapter over a quantised model into bfloat16, which is too coarse to add small steps to; a resumed
    run would get it back in float32, and go on differently.
    """
    for trained in model.parameters():
        if trained.requires_grad:
            trained.data = trained.data.float()
