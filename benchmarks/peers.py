"""Tunesmith beside plain TRL and LLaMA-Factory: the same rows, seed, LoRA and steps; one program after the other.

    .venv/bin/python benchmarks/peers.py ROWS.json --data-dir FOLDER [--rows 120] [--only trl,turbo] [--results FILE]
        [--llamafactory PYTHON]

ROWS.json is a list of Alpaca rows, FOLDER a studio's data folder in which the starter model is ready and that nobody
serves. What was measured is appended to --results as JSON lines, so that programs can be measured in several calls; the
table is made of all of them. LLaMA-Factory needs an environment of its own, since it pins other versions:

    python3 -m venv lf && lf/bin/pip install torch==2.13.0 llamafactory==0.9.5
    lf/bin/pip uninstall -y torchvision torchaudio

and an empty package `torchaudio` with a `__version__` in their place (PyTorch's own two do not start beside a CPU build
of torch, and it imports the second), and `--llamafactory lf/bin/python`.

Every program is watched from outside: seconds and CPU seconds between the first step's beginning and the last step's
end, the process's peak memory, and the time from the start (for us: from Create) to the first step's beginning and end.
At the end one program scores all adapters on the same held-out rows. `warm` is Tunesmith with a spare
trainer waiting, `warm-turbo` the same with Turbo.
Take at least ten steps' rows: with fewer Tunesmith makes its steps smaller.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from peers_programs import PROGRAMS, Task

#: The same for all, so that nobody's template adds another.
SYSTEM = "You are a helpful assistant."
LEARNING_RATE = 2e-4
SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=120)
    parser.add_argument("--rows-a-step", type=int, default=8)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default=",".join(PROGRAMS))
    parser.add_argument("--results", type=Path)
    parser.add_argument("--llamafactory", type=Path, help="Python of its environment; left out where there is none")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        task = prepare(asked, Path(work))
        results = asked.results or Path(work) / "results.jsonl"
        for number in range(asked.rounds):
            for name in asked.only.split(","):
                if name == "llamafactory" and not asked.llamafactory:
                    continue
                found = PROGRAMS[name](task, f"{name}-{number}")
                with results.open("a") as file:
                    file.write(
                        json.dumps({"program": name, "rows": asked.rows, "load": os.getloadavg()[0], **found}) + "\n"
                    )
                print(json.dumps({"program": name, **found}), flush=True)
        print(table([json.loads(line) for line in results.read_text().splitlines()]))


def prepare(asked: argparse.Namespace, work: Path) -> Task:
    rows = json.loads(asked.file.read_text())
    random.Random(SEED).shuffle(rows)
    chats = [chat(row) for row in rows[: asked.rows + asked.held_out]]
    for name, part in (("rows", chats[: asked.rows]), ("held-out", chats[asked.rows :])):
        (work / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in part))
    return Task(
        work=work,
        data_dir=asked.data_dir,
        model=asked.data_dir / "models" / "smollm2-135m",
        rows=work / "rows.jsonl",
        held_out=work / "held-out.jsonl",
        rows_a_step=asked.rows_a_step,
        learning_rate=LEARNING_RATE,
        seed=SEED,
        llamafactory=asked.llamafactory or Path(sys.executable),
    )


def chat(row: dict[str, str]) -> dict[str, Any]:
    question = "\n\n".join(filter(None, (row["instruction"], row.get("input"))))
    told = (("system", SYSTEM), ("user", question), ("assistant", row["output"]))
    return {"messages": [{"role": role, "content": text} for role, text in told]}


def table(found: list[dict[str, Any]]) -> str:
    """Medians over the rounds; ratios to the plain TRL script."""
    names = [name for name in PROGRAMS if any(each["program"] == name for each in found)]

    def median(name: str, key: str) -> float:
        return statistics.median(each[key] for each in found if each["program"] == name)

    lines = [
        f"{found[0]['rows']} rows; load average {os.getloadavg()[0]:.1f} at the end",
        "| | tokens per CPU second | tokens per second | × TRL per CPU second | peak memory MB "
        "| first step begins, s (CPU s) | first step done, s (CPU s) | held-out loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        ratio = f"{median(name, 'per_cpu_s') / median('trl', 'per_cpu_s'):.2f}" if "trl" in names else "-"
        lines.append(
            f"| {name} | {median(name, 'per_cpu_s'):.1f} | {median(name, 'per_s'):.1f} | {ratio} "
            f"| {median(name, 'peak_mb'):.0f} | {median(name, 'training_begins_s'):.1f} "
            f"({median(name, 'training_begins_cpu_s'):.1f}) | {median(name, 'first_step_s'):.1f} "
            f"({median(name, 'first_step_cpu_s'):.1f}) | {median(name, 'loss'):.4f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
