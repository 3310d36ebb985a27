"""Every objective with every method on a tiny real model: it learns, is kept, resumes exactly, and answers.

The trainer's real functions run in this process, one after the other: a process for each would import torch and friends
thirty times over. That the processes around them work is shown by test_training.py, test_dpo.py and test_rft.py.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from storage.event_log import EventWriter, read_events
from storage.events import Event, Finished, Metric, Phase, Sample, Warn
from storage.files import sha256_of
from storage.graders import Length
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.objectives import Rft
from storage.rollouts import ROLLOUT_STEP
from storage.run_folder import RunFolder
from storage.spec import Objective

# The training libraries warn about each other's deprecations.
pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]

ROOT = Path(__file__).parents[2]
METHODS: dict[str, Method] = {
    "lora": Lora(),
    "qlora": Qlora(),
    "prefix": Prefix(length=8),
    "adapter": Adapter(size=16),
    "full": Full(),
}
#: Where a method wants another learning rate than 0.01 to show something within some steps.
RATES = {
    (Objective.SFT, "full"): 5e-3, (Objective.SFT, "prefix"): 0.1, (Objective.DPO, "full"): 1e-3,
    (Objective.RFT, "full"): 1e-3, (Objective.RFT, "prefix"): 0.3,
}  # fmt: skip
#: Few words are rewarded.
RFT = Rft(grader=Length(most=4), max_completion_tokens=16)
WEIGHTS = ("adapter_model.safetensors", "model.safetensors")
COMBINATIONS = [(objective, name) for objective in Objective for name in METHODS]


def train_here(run: RunFolder, attempt: int = 1) -> tuple[Event, ...]:
    from training import dpo, rft, sft
    from training.lifeline import Lifeline
    from training.workbench import Workbench

    train = {Objective.SFT: sft.fine_tune, Objective.DPO: dpo.fine_tune, Objective.RFT: rft.fine_tune}
    folder, spec = run.attempt(attempt), run.spec()
    folder.claim("token")
    bench = Workbench(run=run, events=EventWriter(folder.events), lifeline=Lifeline(folder))
    bench.emit(train[spec.objective](spec, bench))
    bench.close()
    return read_events(folder.events).events


def values(events: tuple[Event, ...], name: str) -> list[Any]:
    return [event.values[name] for event in events if isinstance(event, Metric) and name in event.values]


def weights_of(run: RunFolder) -> str:
    return next(sha256_of(run.output / name) for name in WEIGHTS if (run.output / name).exists())


def resumed_from_its_first_checkpoint(run: RunFolder, folder: Path) -> tuple[RunFolder, tuple[Event, ...]]:
    """As if it had been killed after it: a copy of the run without what came later."""
    again = RunFolder(folder / run.job_id)
    shutil.copytree(run.path, again.path)
    shutil.rmtree(again.output)
    first, *later = sorted(again.checkpoints.glob("step-*"))
    assert later
    for path in later:
        shutil.rmtree(path)
    events = train_here(again, attempt=2)
    began = next(event.done for event in events if isinstance(event, Phase) and event.name == "training")
    assert began == int(first.name.removeprefix("step-"))
    return again, events


def in_a_fresh_process(runs: list[RunFolder]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kept_outputs.py")), *(str(run.path) for run in runs)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["run"]: line for line in lines}


def test_it_learns_is_kept_and_resumes(tiny_folder: Callable[..., RunFolder], tmp_path: Path) -> None:
    shared = {"epochs": 2, "weights_dtype": "float32"}
    # Whoever is rewarded has to say something first: reinforcement starts from a model that knows some sentences.
    schooled = tiny_folder(epochs=6, method=Full(), batch_size=300, learning_rate=5e-3)
    train_here(schooled)

    runs: dict[tuple[Objective, str], tuple[RunFolder, tuple[Event, ...]]] = {}
    for objective, name in COMBINATIONS:
        asked = {"objective": objective, "method": METHODS[name], "learning_rate": RATES.get((objective, name), 1e-2)}
        if objective is Objective.RFT:
            asked |= {"rft": RFT, "model": schooled.output, "epochs": 3}
        run = tiny_folder(**shared | asked)
        runs[objective, name] = (run, train_here(run))

    for (objective, name), (run, events) in runs.items():
        at = f"{objective} {name}"
        assert isinstance(events[-1], Finished), at
        assert all(math.isfinite(loss) for loss in values(events, "loss")), at
        learned(objective, events, at)
        again, later = resumed_from_its_first_checkpoint(run, tmp_path / "again")
        assert weights_of(again) == weights_of(run), at
        for curve in ("loss", "grad_norm", "eval_loss", "eval_reward", "reward", "rewards/margins"):
            there = values(later, curve)
            assert there == values(events, curve)[-len(there) :] or not there, (at, curve)

    fresh = in_a_fresh_process([run for run, _ in runs.values()])
    for (objective, name), (run, events) in runs.items():
        found, at = fresh[run.job_id], f"{objective} {name}"
        answers = [event.answer for event in events if isinstance(event, Sample) and event.tuned]
        assert found["answers"] == answers, at
        # Trained in float32 and kept in bfloat16, a whole model is rounded once.
        near = 1e-2 if name == "full" else 1e-4
        for key in {"eval_loss", "eval_logps/chosen", "eval_logps/rejected"} & set(found):
            assert found[key] == pytest.approx(values(events, key)[-1], rel=near), (at, key)
        if objective is Objective.RFT and name != "full":
            last = run.attempt(1).rollouts.read_text().splitlines()[-1]
            told = ROLLOUT_STEP.validate_json(last)
            assert told.held_out
            assert found["said"] == [group.answers[0].text for group in told.groups], at


def learned(objective: Objective, events: tuple[Event, ...], at: str) -> None:
    """What getting better means for each of them."""
    match objective:
        case Objective.SFT:
            found = values(events, "eval_loss")
            assert found[-1] < found[0] - 0.05, (at, found)
        case Objective.DPO:
            # Nobody has preferred anything yet, a prefix included: policy and reference are the same model.
            assert values(events, "eval_loss")[0] == pytest.approx(math.log(2), abs=1e-3), at
            assert values(events, "loss")[0] == pytest.approx(math.log(2), abs=1e-3), at
            assert values(events, "eval_loss")[-1] < math.log(2) - 0.01, at
            assert values(events, "eval_rewards/margins")[-1] > 0, at
            assert events[-1].facts["preferred_last"] >= events[-1].facts["preferred_first"], at
            # Dropout is off, so nothing in the card says otherwise.
            assert not any(isinstance(event, Warn) for event in events), at
        case Objective.RFT:
            # Sampled, so by chance one step is worse than another.
            rewards = values(events, "reward")
            assert fmean(rewards[-5:]) > fmean(rewards[:5]) + 0.1, (at, rewards)
