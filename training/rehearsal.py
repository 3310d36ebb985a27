"""The longest batch runs first, forward and back, so that memory that is too small shows in the first minute.

It leaves nothing behind: no gradient, no measurement, and the random numbers go on where they were. A run is the same
to the last bit with it and without.

An evaluation needs no rehearsal of its own: it begins before the first step, with its widest rows. A resumed run has
shown that it fits, and does not try again.
"""

import contextlib
import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from storage.events import Phase
from training.batches import padded_tokens
from training.workbench import Workbench

#: On a CPU a pass costs seconds. Where the first step's own is nearly as large, it will tell as soon.
NEARLY_AS_LARGE = 0.9
#: There it may cost a run this part of its first epoch; a shorter epoch comes to its longest batch soon anyway.
MOST_OF_AN_EPOCH = 0.02
#: So many passes of the first evaluation go by before the first step without anybody waiting for it.
MANY_EVALUATION_PASSES = 8
#: Adam's two moments of each trained weight: made in the first step, after its way back.
MOMENTS = 2
#: What a trainer of TRL's or ours measures in a pass.
MEASUREMENTS = ("_metrics", "_total_train_tokens", "_pairs")


class Rehearsal(TrainerCallback):
    """Tries one pass before the first step, then tells that the training begins (`opening`)."""

    def __init__(self, trainer: Any, bench: Workbench, opening: Phase, rows: Sequence[int]) -> None:
        """`rows` are numbers in the training dataset; none for a run that needs no rehearsal."""
        self._trainer, self._bench, self._opening, self._rows = trainer, bench, opening, rows

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._rows:
            self._bench.check()
            count = f"{len(self._rows)} row{'s' if len(self._rows) > 1 else ''} in one pass"
            self._bench.emit(Phase(name="rehearsing", detail=count))
            rows = [self._trainer.train_dataset[row] for row in self._rows]
            rehearse(self._trainer, self._trainer.data_collator(rows))
        self._bench.emit(self._opening)


def rehearse(trainer: Any, inputs: dict[str, Any]) -> None:
    """One pass and its way back, as a step would do it, beside memory for what the optimizer will keep."""
    model = trainer.model_wrapped
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with unchanged_randomness(), unchanged_measurements(trainer):
        model.train()
        # Written to, because the kernel gives memory only to those who use it.
        moments = [torch.ones_like(parameter) for parameter in trained for _ in range(MOMENTS)]
        with trainer.accelerator.no_sync(model):
            trainer.compute_loss(model, trainer._prepare_inputs(inputs)).backward()
        del moments
    for parameter in trained:
        parameter.grad = None


def pays(passes: Sequence[Sequence[int]], widths: Sequence[int], evaluation_passes: int) -> bool:
    """Whether a run on a CPU would show much later what its largest pass needs: then that is tried before.

    `passes` are the first epoch's.
    """
    weights = [weight(rows, widths) for rows in passes]
    shows_late = evaluation_passes > MANY_EVALUATION_PASSES or weights[0] < NEARLY_AS_LARGE * max(weights)
    return shows_late and max(weights) <= MOST_OF_AN_EPOCH * sum(weights)


def weight(rows: Sequence[int], widths: Sequence[int]) -> float:
    """What a pass needs, relatively: by its padded tokens, and a little more where they stand in long rows."""
    return padded_tokens(rows, widths) * (1 + max(widths[row] for row in rows) / 16384)


@contextlib.contextmanager
def unchanged_randomness() -> Iterator[None]:
    """Python's, numpy's and torch's random numbers go on as if nothing had been drawn."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield
    random.setstate(python)
    np.random.set_state(numpy)


@contextlib.contextmanager
def unchanged_measurements(trainer: Any) -> Iterator[None]:
    kept = {name: copy.deepcopy(getattr(trainer, name)) for name in MEASUREMENTS if hasattr(trainer, name)}
    yield
    for name, value in kept.items():
        setattr(trainer, name, value)
