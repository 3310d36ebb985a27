"""A run that no longer gets better ends by itself, exports its best step, and does so after a kill as well."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from safetensors.torch import load_file

from storage.events import Checkpoint, Finished, Log, Metric
from storage.files import sha256_of

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]

WEIGHTS = "adapter_model.safetensors"
#: So fast that it learns the rows by heart and forgets the others.
HASTY: dict[str, Any] = {"epochs": 40, "learning_rate": 0.05, "hyperparameters": {"early_stopping": 2}}


def stopped(run: Any) -> list[str]:
    return [event.message for event in run.events if isinstance(event, Log) and "Stopped early" in event.message]


def weights(run: Any) -> str:
    return sha256_of(run.folder.output / WEIGHTS)


def test_it_stops_and_exports_the_best_step_and_so_does_a_killed_one(tiny_run: Callable[..., Any]) -> None:
    straight, killed = tiny_run(**HASTY), tiny_run(**HASTY)
    killed.wait_for("checkpoint")
    os.kill(killed.attempt.processes()[1].pid, signal.SIGKILL)
    killed.process.wait(60)
    again = killed.resume()
    for run in (straight, again):
        last = run.finish()
        assert isinstance(last, Finished), run.log()
        assert last.outcome == "completed"
    last = straight.events[-1]
    losses = {event.step: event.eval_loss for event in straight.events if isinstance(event, Checkpoint)}
    best = min(losses, key=lambda step: losses[step])
    facts = last.facts
    assert (facts["exported_step"], facts["best_step"], facts["stopped_early_step"]) == (best, best, last.step)
    assert facts["best_value"] == losses[best]
    assert sorted(losses).index(last.step) - sorted(losses).index(best) == 2
    assert stopped(straight) == stopped(again)
    assert f"at step {last.step}: best evaluation loss {losses[best]:.4g} at step {best}" in stopped(straight)[0]
    # The output is that checkpoint, to the bit.
    saved = load_file(straight.folder.checkpoints / f"step-{best:08d}" / WEIGHTS)
    exported = load_file(straight.folder.output / WEIGHTS)
    assert all((exported[name].float() == saved[name].to(exported[name].dtype).float()).all() for name in saved)
    assert weights(again) == weights(straight)

    # Ended between its stop and its export, it takes no further step.
    first = weights(straight)
    late = straight.resume()
    end = late.finish()
    assert isinstance(end, Finished), late.log()
    assert not [event for event in late.events if isinstance(event, Metric)]
    assert (end.step, weights(late), stopped(late)) == (last.step, first, stopped(straight))
    for name in ("exported_step", "best_step", "best_value", "stopped_early_step"):
        assert end.facts[name] == facts[name], name
