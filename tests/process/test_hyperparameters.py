"""Every number of the form reaches the trainer: what each changes in a run, and that nothing else does."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from safetensors.torch import load_file

from storage.event_log import EventWriter, read_events
from storage.events import Metric
from storage.run_folder import RunFolder

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]


class Ran:
    """A finished run, trained in this process: the imports around it would take longer than the training."""

    def __init__(self, run: RunFolder) -> None:
        from training.lifeline import Lifeline
        from training.sft import fine_tune
        from training.workbench import Workbench

        attempt = run.attempt(1)
        attempt.claim("token")
        bench = Workbench(run=run, events=EventWriter(attempt.events), lifeline=Lifeline(attempt))
        self.facts = fine_tune(run.spec(), bench).facts
        bench.close()
        self._metrics = [event for event in read_events(attempt.events).events if isinstance(event, Metric)]
        saved = load_file(run.output / "adapter_model.safetensors")
        self.size = math.sqrt(sum(float((weight.float() ** 2).sum()) for weight in saved.values()))

    def curve(self, name: str) -> list[Any]:
        return [event.values[name] for event in self._metrics if name in event.values]


@pytest.fixture
def train(tiny_folder: Callable[..., RunFolder]) -> Iterator[Callable[..., Ran]]:
    """`train(seed=7)`: a short run with these hyperparameters."""

    def run(epochs: int = 2, **changed: Any) -> Ran:
        return Ran(tiny_folder(epochs=epochs, batch_size=300, weights_dtype="float32", hyperparameters=changed))

    return run


def test_every_hyperparameter_reaches_the_trainer(train: Callable[..., Ran]) -> None:
    plain = train()
    losses, rates = plain.curve("loss"), plain.curve("learning_rate")
    steps = len(losses)
    assert steps >= 6
    assert rates == pytest.approx([0.01 * (1 - step / steps) for step in range(steps)])

    assert len(train(epochs=3).curve("loss")) == 3 * steps // 2
    assert len(train(gradient_accumulation_steps=2).curve("loss")) <= steps // 2 + 2
    assert train(warmup_steps=3).curve("learning_rate")[:4] == pytest.approx([0, 0.01 / 3, 0.02 / 3, 0.01])
    shapes = {
        "constant": [0.01] * steps,
        "cosine": [0.01 * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)],
    }
    for scheduler, expected in shapes.items():
        assert train(scheduler=scheduler).curve("learning_rate") == pytest.approx(expected), scheduler

    decayed = train(weight_decay=1.0)
    assert decayed.curve("loss")[0] == losses[0]
    assert decayed.size < plain.size
    # Reported as it was before it is cut; Adam's steps hardly depend on the length, so little changes, but something.
    clipped = train(max_gradient_norm=1e-6)
    assert clipped.curve("grad_norm")[0] == plain.curve("grad_norm")[0]
    assert clipped.curve("loss")[1:] != losses[1:]
    # Noise in training only: the first evaluation is before it.
    noisy = train(neftune_alpha=50)
    assert noisy.curve("eval_loss")[0] == plain.curve("eval_loss")[0]
    assert noisy.curve("loss")[0] != losses[0]
    assert train(seed=7).curve("loss") != losses
    assert train().curve("loss") == losses

    # What is exported: the last step, unless the best is asked for.
    hasty = train(epochs=6, export_step="best", scheduler="constant")
    values = hasty.curve("eval_loss")
    assert hasty.facts["best_value"] == min(values)
    assert plain.facts["exported_step"] == steps
    assert "best_step" not in plain.facts
