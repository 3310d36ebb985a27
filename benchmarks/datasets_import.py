"""Our import against Hugging Face datasets and pandas on the same file, each in a process of its own on one core.

python benchmarks/datasets_import.py [--megabytes 1000] [--rounds 2]

The file is chat JSONL of about 1.3 kB a row, made in a temporary folder and removed afterwards. "odd" is the same with
a weight on every answer, which keeps our rows from the fast way: every one is explained. The others only parse and
store; ours also judges every row, finds the copies, writes the index and hashes.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
OURS = """
from core.datasets.importing import import_file
from pathlib import Path
report = import_file(Path(source), Path(folder))
assert report.ok == report.rows, report
rows = report.rows
"""
PROGRAMS = {
    "tunesmith": OURS,
    "tunesmith, odd": OURS,
    "datasets": """
import datasets
rows = len(datasets.load_dataset("json", data_files=source, cache_dir=folder, split="train"))
""",
    "pandas": """
import pandas
rows = len(pandas.read_json(source, lines=True))
""",
}
#: What every program does around its own work. VmHWM is the most memory that it held at once.
AROUND = """
import json, os, re, sys, time
source, folder = sys.argv[1:]
os.sched_setaffinity(0, {{max(os.sched_getaffinity(0))}})
began, cpu_began = time.perf_counter(), time.process_time()
{program}
status = open("/proc/self/status").read()
print(json.dumps({{
    "rows": rows,
    "seconds": time.perf_counter() - began,
    "cpu_seconds": time.process_time() - cpu_began,
    "memory": int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024,
}}))
"""


def make(path: Path, megabytes: int, *, odd: bool) -> int:
    """Rows of random words; no two are the same. The file's size in bytes."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5000)]
    texts = [" ".join(chance.choices(words, k=60)) for _ in range(4000)]
    with path.open("w") as file:
        number = 0
        while file.tell() < megabytes * 1_000_000:
            for _ in range(1000):
                number += 1
                answer = {"role": "assistant", "content": f"{chance.choice(texts)}.\n\n{chance.choice(texts)}."}
                messages = [
                    {"role": "system", "content": "You answer in one sentence."},
                    {"role": "user", "content": f"{number}: {chance.choice(texts)}?"},
                    answer | {"weight": 1} if odd else answer,
                ]
                file.write(json.dumps({"messages": messages}) + "\n")
    return path.stat().st_size


def measure(name: str, source: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", AROUND.format(program=PROGRAMS[name]), str(source), folder]
        quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
        environment = os.environ | quiet | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain, odd = Path(folder) / "plain.jsonl", Path(folder) / "odd.jsonl"
        size = make(plain, given.megabytes, odd=False)
        make(odd, given.megabytes, odd=True)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in PROGRAMS}
        for _ in range(given.rounds):
            for name in PROGRAMS:
                found[name].append(measure(name, odd if "odd" in name else plain))
    ours = median(result["seconds"] for result in found["tunesmith"])
    print(f"{size / 1e6:,.0f} MB, {time.strftime('%Y-%m-%d')}, load average {os.getloadavg()[1]:.1f}")
    for name, results in found.items():
        seconds, cpu = (median(result[key] for result in results) for key in ("seconds", "cpu_seconds"))
        memory = max(result["memory"] for result in results) / 1e6
        print(
            f"{name:16} {results[0]['rows']:9,.0f} rows  {size / seconds / 1e6:6.0f} MB/s  "
            f"{size / cpu / 1e6:6.0f} MB/s of CPU time  {memory:7,.0f} MB memory  {seconds / ours:5.2f} × our time"
        )


if __name__ == "__main__":
    main()
