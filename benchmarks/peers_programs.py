"""The programs of `benchmarks/peers.py`: how each is started, and how far it says that it is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers_watch import Progress, Watch

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage.event_log import read_events
from storage.events import Failed, Metric, Phase
from storage.methods import Lora
from storage.run_folder import Attempt
from storage.spec import Hyperparameters, JobSpec, NoEvaluation

HERE = Path(__file__).parent
ALICE = Actor("benchmark", "benchmark@localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What all of them train; LoRA of rank 8, alpha 16, on all linear layers, without dropout."""

    work: Path
    data_dir: Path
    model: Path
    rows: Path
    held_out: Path
    rows_a_step: int
    learning_rate: float
    seed: int
    llamafactory: Path

    @property
    def steps(self) -> int:
        return len(self.rows.read_text().splitlines()) // self.rows_a_step


Result = dict[str, Any]


def trl(task: Task, name: str) -> Result:
    """A script as TRL's documentation has it; what it does not name is TRL's default."""
    output = task.work / name
    command = [sys.executable, HERE / "peers_trl.py", task.model, task.rows, output]
    command += [str(task.learning_rate), str(task.seed), str(task.rows_a_step)]
    return _measured(task, command, output, output / "progress.jsonl", begins="train_begin", step="step")


def llamafactory(task: Task, name: str) -> Result:
    output, folder = task.work / name, task.work / f"{name}-data"
    folder.mkdir()
    tags = {f"{role}_tag": role for role in ("user", "assistant", "system")}
    description = {
        "file_name": str(task.rows),
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", **tags},
    }
    (folder / "dataset_info.json").write_text(json.dumps({"rows": description}))
    settings = {
        "model_name_or_path": str(task.model), "stage": "sft", "do_train": True, "finetuning_type": "lora",
        "lora_rank": 8, "lora_alpha": 16, "lora_dropout": 0.0, "lora_target": "all", "dataset": "rows",
        "dataset_dir": str(folder), "template": "chatml", "cutoff_len": 1024, "output_dir": str(output),
        "logging_steps": 1, "per_device_train_batch_size": task.rows_a_step, "gradient_accumulation_steps": 1,
        "learning_rate": task.learning_rate, "lr_scheduler_type": "linear", "num_train_epochs": 1.0, "bf16": True,
        "use_cpu": True, "report_to": "none", "seed": task.seed, "overwrite_cache": True,
    }  # fmt: skip
    (folder / "settings.yaml").write_text(json.dumps(settings))  # JSON is YAML; of JSON it reads none
    command = [task.llamafactory, "-m", "llamafactory.cli", "train", folder / "settings.yaml"]
    return _measured(task, command, output, output / "trainer_log.jsonl", begins="", step="current_steps")


def _measured(task: Task, command: list[Any], output: Path, log: Path, *, begins: str, step: str) -> Result:
    """A command that appends JSON lines to `log`, one a step."""
    output.mkdir()
    printed = output / "printed.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "USE_MODELSCOPE_HUB": "0", "DISABLE_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    with printed.open("wb") as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, env=environment)

    def progress() -> Progress:
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        began = "***** Running training *****" in printed.read_text(errors="replace")
        began = began or any(begins and begins in line for line in lines)
        steps = max((line.get(step, 0) for line in lines), default=0)
        return Progress(began, steps, task.steps, process.poll() is not None)

    watch = Watch(lambda: [process.pid], progress)
    watch.until_last_step()
    process.wait()
    if process.returncode:
        raise SystemExit(printed.read_text()[-3000:])
    return watch.result(tokens_in(task)) | {"loss": loss_of(task, output)}


def tunesmith(task: Task, name: str) -> Result:
    return _studio(task, name, turbo=False)


def tunesmith_turbo(task: Task, name: str) -> Result:
    return _studio(task, name, turbo=True)


def tunesmith_warm(task: Task, name: str) -> Result:
    """With a spare trainer waiting (core/spare.py)."""
    return _studio(task, name, turbo=False, warm=True)


def tunesmith_warm_turbo(task: Task, name: str) -> Result:
    return _studio(task, name, turbo=True, warm=True)


def _studio(task: Task, name: str, *, turbo: bool, warm: bool = False) -> Result:
    """From Create in a studio that serves its folder; what the person waits for is in the first step's time."""
    studio = Studio(Home(task.data_dir), keeps_spare=warm)
    studio.start()
    try:
        dataset = studio.datasets.add(task.rows, name=name, actor=ALICE)
        asked = _asked(task, dataset.id, turbo=turbo)
        while warm and not (studio.spare and studio.spare.pid):
            time.sleep(0.2)
        watch = Watch(lambda: _pids(attempt), lambda: _progress(attempt))
        if warm and studio.spare:
            watch.discount(studio.spare.pid)
        job = studio.runs.submit(asked, actor=ALICE)
        attempt = studio.runs.folder(job.id).attempt(1)
        watch.until_last_step()
        watch.until_end()
        return watch.result(tokens_in(task)) | {"loss": loss_of(task, studio.runs.folder(job.id).output)}
    finally:
        studio.stop()


def _asked(task: Task, dataset: str, *, turbo: bool) -> JobSpec:
    # A step takes tokens with us; as many of them as the others' rows have on average.
    parameters = Hyperparameters(
        batch_size=max(64, round(tokens_in(task) / task.steps)), learning_rate=task.learning_rate, seed=task.seed
    )
    return JobSpec(
        model="smollm2-135m", dataset=dataset, evaluation=NoEvaluation(), method=Lora(dropout=0.0),
        hyperparameters=parameters, turbo=turbo,
    )  # fmt: skip


def _pids(attempt: Attempt) -> list[int]:
    return [process.pid for process in attempt.processes()[:1]]  # the supervisor, and with it its trainer


def _progress(attempt: Attempt) -> Progress:
    events = read_events(attempt.events).events if attempt.events.exists() else ()
    if failed := [event for event in events if isinstance(event, Failed)]:
        raise SystemExit(failed[0].evidence)
    training = [event for event in events if isinstance(event, Phase) and event.name == "training"]
    steps = max((event.step for event in events if isinstance(event, Metric) and "loss" in event.values), default=0)
    total = training[-1].total if training else 0
    return Progress(bool(training), steps, total or 0, attempt.exit() is not None)


def tokens_in(task: Task) -> int:
    return int(_child("peers_score.py", "tokens", task.model, task.rows))


def loss_of(task: Task, adapter: Path) -> float:
    return float(_child("peers_score.py", "loss", task.model, task.held_out, adapter))


def _child(script: str, *arguments: object) -> str:
    command = [sys.executable, HERE / script, *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return done.stdout.splitlines()[-1]


PROGRAMS: dict[str, Callable[[Task, str], Result]] = {
    "trl": trl,
    "llamafactory": llamafactory,
    "tunesmith": tunesmith,
    "turbo": tunesmith_turbo,
    "warm": tunesmith_warm,
    "warm-turbo": tunesmith_warm_turbo,
}
