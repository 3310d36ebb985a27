"""The memory formula against measured peaks: 5 methods, 2 lengths, 2 sizes of a pass, on the starter model on the CPU.

    .venv/bin/python benchmarks/memory_estimates.py --data-dir FOLDER [--points lora-256-1024 …]

FOLDER is a studio's data folder in which the starter model is ready. The peak is the one that the product shows: the
largest resident set of the trainer's process in its whole life (`ru_maxrss`), imports, answers and export included.
The estimate is the formula's own, before any calibration, from the tokens as the studio counts them.
"""

import argparse
import os
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from core import hardware
from core.datasets.tokens import Examination
from core.estimate.memory import memory_of
from core.estimate.traffic import Counted, traffic_of
from core.home import Home
from core.models.library import Models
from core.models.starter import STARTER_ID
from core.spawn import spawn
from storage.event_log import read_events
from storage.events import Finished
from storage.methods import Method
from storage.process import TOKEN_VARIABLE
from storage.rows import ROWS, RowsWriter
from storage.run_folder import RunFolder
from storage.spec import Compute, DatasetRef, Hyperparameters, JobSpec, ModelRef, NoEvaluation, Objective, RunSpec

METHODS = ("lora", "qlora", "prefix", "adapter", "full")
POINTS = [
    *(f"{method}-{length}-{tokens}" for method in METHODS for length, tokens in ((256, 1024), (1024, 2048))),
    "lora-256-2048",
    "lora-1024-1024",
]
GOAL = 0.15
STEPS = 2
MIB = 1024**2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-dir", type=Path, required=True)
    arguments.add_argument("--points", nargs="*", default=POINTS)
    asked = arguments.parse_args()
    model = Models(Home(asked.data_dir)).get(STARTER_ID)
    errors = []
    print("| method | row | pass | estimated MiB | measured MiB | off by |\n|---|---|---|---|---|---|", flush=True)
    for point in asked.points:
        method, length, tokens = point.split("-")
        with tempfile.TemporaryDirectory() as work:
            run = prepare(Path(work), model, method, int(length), int(tokens))
            estimated, parts = estimate(run, Path(work))
            measured = peak(run, Path(work))
        errors.append(estimated / measured - 1)
        figures = f"{estimated / MIB:.0f} | {measured / MIB:.0f} | {errors[-1]:+.1%}"
        print(f"| {method} | {length} | {tokens} | {figures} | {parts}", flush=True)
    within = sum(abs(error) <= GOAL for error in errors)
    print(f"within {GOAL:.0%}: {within} of {len(errors)}; largest {max(map(abs, errors)):.1%}")


def prepare(work: Path, model: ModelRef, method: str, length: int, tokens: int) -> RunSpec:
    """Two steps of one full pass each, half of whose tokens are learned."""
    dataset = work / "dataset"
    dataset.mkdir()
    with closing(RowsWriter(dataset)) as writer:
        for number in range(tokens // length * STEPS):
            writer.add(row(number, length), number + 1)
    machine = hardware.look()
    return RunSpec(
        job_id="point",
        output_name="point",
        created_at=datetime.now(UTC),
        created_by="benchmark",
        asked=JobSpec(model=model.id, dataset="rows"),
        objective=Objective.SFT,
        method=TypeAdapter(Method).validate_python({"kind": method}),
        hyperparameters=Hyperparameters(batch_size=tokens, max_context_length=model.context_length),
        model=model,
        dataset=DatasetRef(
            id="rows",
            name="rows",
            path=str(dataset / ROWS),
            sha256=writer.sha256,
            format="chat",
            rows=writer.rows,
            tokens_estimate=0,
        ),
        evaluation=NoEvaluation(),
        compute=Compute(
            device="cpu",
            threads=machine.cores,
            weights_dtype="bfloat16" if machine.fast_bfloat16 else "float32",
            micro_batch_tokens=tokens,
        ),
    )


def row(number: int, length: int) -> dict[str, list[dict[str, str]]]:
    """A few tokens less than `length`, all rows alike: each step is then one pass, as full as it can be."""
    half = (length - 56) // 2
    messages = [
        {"role": "user", "content": f"Question {number}:" + " why" * half},
        {"role": "assistant", "content": f"Answer {number}:" + " light" * half},
    ]
    return {"messages": messages}


def estimate(run: RunSpec, work: Path) -> tuple[int, str]:
    known = Examination(run.dataset, run.model, run.hyperparameters.max_context_length, work / "cache").result()
    counted = Counted(tokens=known.tokens, learned=known.learned, longest=known.max)
    memory = memory_of(run, traffic_of(run, counted))
    return memory.peak_bytes(run.compute), ", ".join(f"{part.key} {part.size_bytes / MIB:.0f}" for part in memory.parts)


def peak(run: RunSpec, work: Path) -> float:
    (work / "runs").mkdir()
    attempt = RunFolder.create(work / "runs", run).attempt(1)
    attempt.claim("0" * 32)
    spawn(attempt.path, {**os.environ, TOKEN_VARIABLE: "0" * 32}).wait()
    last = read_events(attempt.events).events[-1]
    if not isinstance(last, Finished):
        raise SystemExit(f"The run did not finish: {last}")
    return last.facts["peak_memory_bytes"]


if __name__ == "__main__":
    main()
