"""Our trainer against a plain TRL script with the same settings: real tokens per second, alternating in one run.

    .venv/bin/python benchmarks/overhead.py --data-dir FOLDER [--rows 60] [--rounds 3]

FOLDER is a studio's data folder in which the starter model is ready.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from core.home import Home
from core.people import Actor
from core.spawn import spawn
from core.studio import Studio
from storage.event_log import read_events
from storage.events import Finished, Phase
from storage.process import TOKEN_VARIABLE
from storage.run_folder import RunFolder
from storage.spec import Hyperparameters, JobSpec, NoEvaluation, RunSpec
from training.environment import trainer_environment

EXAMPLES = Path(__file__).parents[1] / "examples" / "support.jsonl"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-dir", type=Path, required=True)
    arguments.add_argument("--rows", type=int, default=60)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        spec = prepare(asked.data_dir, asked.rows, Path(work))
        ratios: dict[str, list[float]] = {"plain TRL, same settings": [], "plain TRL, PEFT's own casts": []}
        for round_number in range(asked.rounds):
            ours = tunesmith(spec, Path(work), round_number)
            print(f"round {round_number + 1}: Tunesmith {ours:.1f} tokens/s", flush=True)
            for name, flag in zip(ratios, (["--same-casts"], []), strict=True):
                theirs = plain_trl(spec, round_number, flag)
                ratios[name].append(ours / theirs)
                print(f"round {round_number + 1}: {name} {theirs:.1f} tokens/s, ratio {ours / theirs:.3f}", flush=True)
    for name, values in ratios.items():
        print(f"Tunesmith / {name}: median {statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})")


def prepare(data_dir: Path, rows: int, work: Path) -> RunSpec:
    examples = work / "rows.jsonl"
    examples.write_text("".join(EXAMPLES.read_text().splitlines(keepends=True)[:rows]))
    studio = Studio(Home(data_dir))
    studio.open()
    dataset = studio.datasets.add(examples, name="benchmark", actor=Actor("benchmark", "benchmark@localhost"))
    parameters = Hyperparameters(batch_size=1000)
    asked = JobSpec(model="smollm2-135m", dataset=dataset.id, evaluation=NoEvaluation(), hyperparameters=parameters)
    spec = studio.runs.preview(asked)
    studio.close()
    return spec


def tunesmith(spec: RunSpec, work: Path, round_number: int) -> float:
    folder = RunFolder.create(work, spec.model_copy(update={"job_id": f"round-{round_number}"}))
    token = f"{round_number:032d}"
    folder.attempt(1).claim(token)
    spawn(folder.attempt(1).path, {**os.environ, TOKEN_VARIABLE: token}).wait()
    events = read_events(folder.attempt(1).events).events
    phases = {event.name: event.at for event in events if isinstance(event, Phase)}
    [finished] = [event for event in events if isinstance(event, Finished)]
    seconds = (phases["exporting"] - phases["training"]).total_seconds()
    return finished.facts["tokens"] / seconds


def plain_trl(spec: RunSpec, round_number: int, flags: list[str]) -> float:
    batch = str(spec.hyperparameters.batch_size)
    command = [sys.executable, "benchmarks/plain_trl.py", spec.model.path, spec.dataset.path, batch, str(round_number)]
    environment = {**os.environ, **trainer_environment(spec.compute.model_dump())}
    done = subprocess.run(
        ["nice", "-n", "10", *command, *flags], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return float(told["tokens"] / told["seconds"])


if __name__ == "__main__":
    main()
