"""Preferences: each loss begins where its paper says, and a run goes on exactly where it stopped.

That every method learns them is shown by test_every_combination.py.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from interrupted import curve, interrupted

from storage.event_log import EventWriter, read_events
from storage.events import Event, Finished, Metric, Phase, Warn
from storage.files import sha256_of
from storage.objectives import Dpo
from storage.run_folder import RunFolder
from storage.spec import Objective

# The training libraries warn about each other's deprecations.
pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]


def train_here(run: RunFolder, attempt: int = 1) -> tuple[Event, ...]:
    """The real function without the processes around it, whose imports would take longer than the training."""
    from training.dpo import fine_tune
    from training.lifeline import Lifeline
    from training.workbench import Workbench

    folder = run.attempt(attempt)
    folder.claim("token")
    bench = Workbench(run=run, events=EventWriter(folder.events), lifeline=Lifeline(folder))
    bench.emit(fine_tune(run.spec(), bench))
    bench.close()
    return read_events(folder.events).events


def values(events: tuple[Event, ...], name: str) -> list[float | None]:
    return [event.values[name] for event in events if isinstance(event, Metric) and name in event.values]


def measured_the_reference(events: tuple[Event, ...]) -> bool:
    return any(isinstance(event, Phase) and "before it learns" in event.detail for event in events)


LOSSES = {
    "hinge": (Dpo(loss="hinge"), 1.0),
    "ipo": (Dpo(loss="ipo"), (1 / (2 * 0.1)) ** 2),
    "robust": (Dpo(loss="robust", label_smoothing=0.2), math.log(2)),
    "apo_zero": (Dpo(loss="apo_zero"), 1.0),
    "apo_down": (Dpo(loss="apo_down"), 1.0),
    "sigmoid_norm": (Dpo(loss="sigmoid_norm", beta=2.0), math.log(2)),
}


def test_every_loss_begins_where_its_paper_says(tiny_folder: Callable[..., RunFolder]) -> None:
    for name, (dpo, start) in LOSSES.items():
        events = train_here(tiny_folder(objective=Objective.DPO, weights_dtype="float32", dpo=dpo))
        found = values(events, "eval_loss")
        assert found[0] == pytest.approx(start, abs=1e-3), name
        assert found[-1] < found[0], name


def test_the_sft_term_is_added_and_reference_free_asks_no_reference(tiny_folder: Callable[..., RunFolder]) -> None:
    def first_loss(dpo: Dpo) -> float:
        run = tiny_folder(objective=Objective.DPO, weights_dtype="float32", dpo=dpo)
        events = train_here(run)
        assert measured_the_reference(events) is run.reference.exists() is not dpo.reference_free
        return values(events, "eval_loss")[0] or 0.0

    # An untrained model of 384 tokens finds each about equally likely.
    assert first_loss(Dpo(sft_weight=0.5)) == pytest.approx(math.log(2) + 0.5 * math.log(384), abs=0.1)
    # The answers differ in length, so without a reference the start is not even.
    assert abs(first_loss(Dpo(reference_free=True)) - math.log(2)) > 0.01


def test_micro_batches_do_not_show_in_the_loss(tiny_folder: Callable[..., RunFolder]) -> None:
    """Each pair of a step counts the same, however many share its forward pass."""
    asked = {"objective": Objective.DPO, "weights_dtype": "float32"}
    whole, split = (
        train_here(tiny_folder(micro_batch_tokens=tokens, batch_size=1200, **asked)) for tokens in (100_000, 200)
    )
    for name in ("loss", "grad_norm", "eval_loss", "rewards/margins", "eval_rewards/accuracies", "eval_preferred"):
        assert values(split, name) == pytest.approx(values(whole, name), rel=1e-3, abs=1e-4), name


def test_a_damaged_reference_is_made_again_from_the_start(tiny_folder: Callable[..., RunFolder]) -> None:
    run = tiny_folder(objective=Objective.DPO, weights_dtype="float32")
    assert measured_the_reference(train_here(run))
    kept = sha256_of(run.reference / "logps.npy")
    (run.reference / "logps.npy").write_bytes(b"nonsense")
    again = train_here(run, attempt=2)  # from its last checkpoint: the trained weights come after the reference
    assert measured_the_reference(again)
    assert any("reference was damaged" in event.message for event in again if isinstance(event, Warn))
    assert sha256_of(run.reference / "logps.npy") == kept


def test_killed_and_paused_it_ends_as_if_nothing_had_happened(tiny_run: Callable[..., Any]) -> None:
    asked = {"objective": Objective.DPO, "epochs": 10}
    straight, killed, paused, again = interrupted(tiny_run, "checkpoint", **asked)

    assert [measured_the_reference(run.events) for run in (killed, paused, again)] == [True, False, False]
    for name in ("loss", "eval_loss", "rewards/margins", "grad_norm", "learning_rate"):
        assert curve(again, name) == curve(straight, name), name
    weights = [sha256_of(run.folder.output / "adapter_model.safetensors") for run in (again, straight)]
    assert weights[0] == weights[1]


def test_two_processes_take_the_steps_of_one(tiny_run: Callable[..., Any]) -> None:
    shared = {"objective": Objective.DPO, "weights_dtype": "float32", "micro_batch_tokens": 200}
    one, two = (tiny_run(devices=devices, **shared) for devices in (1, 2))
    for run in (one, two):
        assert isinstance(run.finish(), Finished), run.log()
    for name in ("loss", "grad_norm", "eval_loss", "rewards/margins", "eval_preferred"):
        assert values(two.events, name) == pytest.approx(values(one.events, name), rel=1e-3, abs=1e-5), name
    assert two.events[-1].facts["tokens"] == one.events[-1].facts["tokens"]
