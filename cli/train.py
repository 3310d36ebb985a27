"""`tunesmith train`: the same spec through the same core as the page, with a progress bar."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cli.output import console, fail, one_sentence, say_json
from core.errors import BadInput
from core.feed import FeedUpdate
from core.home import Home
from core.models import STARTER_ID
from core.studio import Studio
from storage.events import Metric, Phase, Warn
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import Job

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Data folder (default: TUNESMITH_HOME, else the platform's own).")
]


def train(
    file: Annotated[
        Path | None, typer.Argument(help="Labelled examples: chat JSONL, Alpaca JSON, prompt/completion.")
    ] = None,
    model: Annotated[str, typer.Option(help="Base model.")] = STARTER_ID,
    objective: Annotated[str, typer.Option(help="sft | dpo | rft.")] = "sft",
    method: Annotated[str, typer.Option(help="lora | qlora | prefix | adapter | full.")] = "lora",
    epochs: Annotated[int | None, typer.Option(help="How often every example is seen.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the spec, e.g. hyperparameters.seed=7."),
    ] = None,
    spec: Annotated[Path | None, typer.Option(help="YAML file with fields of the spec; options win over it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a progress bar.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Fine-tune a model on FILE and wait until it is done."""
    with one_sentence():
        asked = _fields(spec)
        asked |= {"objective": objective, "model": model} if spec is None else {}
        asked.setdefault("model", model)
        asked.setdefault("objective", objective)
        if spec is None or "method" not in asked:
            asked["method"] = {"kind": method}
        if epochs is not None:
            asked.setdefault("hyperparameters", {})["epochs"] = epochs
        for setting in settings or []:
            _set(asked, setting)
        if file is None and "dataset" not in asked:
            raise BadInput("Nothing to train on: name a FILE of labelled examples, or a dataset with --set dataset=ID.")
        status = asyncio.run(_train(Home.locate(data_dir), file, asked, as_json))
    raise typer.Exit(0 if status is Status.COMPLETED else 1)


async def _train(home: Home, file: Path | None, asked: dict[str, Any], as_json: bool) -> Status:
    """Serve the folder ourselves for as long as the run takes."""
    updates: asyncio.Queue[FeedUpdate] = asyncio.Queue()
    studio = Studio(home, publish=updates.put_nowait)
    await asyncio.to_thread(studio.start)
    feeding = asyncio.create_task(studio.feed.run())
    try:
        job = await asyncio.to_thread(_submit, studio, file, asked, as_json)
        return await _follow(studio, job, updates, as_json)
    finally:
        feeding.cancel()
        await asyncio.to_thread(studio.stop)


def _submit(studio: Studio, file: Path | None, asked: dict[str, Any], as_json: bool) -> Job:
    actor = studio.people.actor()
    if file is not None:
        asked["dataset"] = studio.datasets.add(file, name=None, actor=actor).id
    suggested = studio.models.suggested(str(asked["model"]))
    if isinstance(asked.setdefault("hyperparameters", {}), dict):
        asked["hyperparameters"] = suggested | asked["hyperparameters"]
    spec = JobSpec.model_validate(asked)
    if spec.model == STARTER_ID:
        _wait_for_starter(studio, as_json)
    job = studio.runs.submit(spec, actor=actor)
    for change in studio.runs.run_spec(job.id).changes:
        if as_json:
            say_json({"type": "change", **change.model_dump()})
        else:
            console.print(
                f"{change.field}: {change.asked} → {change.runs} ({change.reason})", style="dim", markup=False
            )
    return job


def _wait_for_starter(studio: Studio, as_json: bool) -> None:
    studio.models.prepare_starter()
    said = ""
    while (state := studio.models.wait_for_starter(timeout_s=0.5)).kind == "preparing":
        line = f"Starter model: {state.detail} ({state.done} of {state.total})"
        if line != said and not as_json:
            console.print(line, style="dim", markup=False)
        said = line
    if state.kind != "ready":
        raise BadInput(state.detail)


async def _follow(studio: Studio, job: Job, updates: asyncio.Queue[FeedUpdate], as_json: bool) -> Status:
    with contextlib.ExitStack() as stack:
        bar = None if as_json else stack.enter_context(_bar())
        task = bar.add_task("queued", total=None, numbers="") if bar else None
        while not _has_ended(row := await asyncio.to_thread(studio.runs.get, job.id)):
            with contextlib.suppress(TimeoutError):
                update = await asyncio.wait_for(updates.get(), timeout=0.5)
                _show(update, bar, task)
        while not updates.empty():
            _show(updates.get_nowait(), bar, task)
    _conclude(studio, row, as_json)
    return row.status


def _has_ended(job: Job) -> bool:
    """A run that paused by itself, as on a full disk, goes on only when somebody asks."""
    return job.status.is_terminal or job.status is Status.PAUSED


def _show(update: FeedUpdate, bar: Progress | None, task: TaskID | None) -> None:
    for event in update.events:
        if bar is None or task is None:
            say_json(event.model_dump(mode="json"))
        elif isinstance(event, Phase):
            bar.update(task, description=event.detail or event.name)
            if event.name == "training":
                bar.update(task, total=event.total, completed=0)
        elif isinstance(event, Metric):
            bar.update(task, completed=event.step)
            if numbers := _numbers(event):
                bar.update(task, numbers=numbers)
        elif isinstance(event, Warn):
            bar.console.print(event.message, style="yellow", markup=False)


def _numbers(event: Metric) -> str:
    shown = ((name, event.values.get(name)) for name in ("loss", "eval_loss"))
    return " ".join(f"{name} {value:.4g}" for name, value in shown if value is not None)


def _conclude(studio: Studio, job: Job, as_json: bool) -> None:
    output = studio.runs.folder(job.id).output
    if as_json:
        say_json(
            {
                "type": "result",
                "job": job.id,
                "status": job.status,
                "message": job.message,
                "eval_loss": job.eval_loss,
                "output": str(output),
            }
        )
    elif job.status is Status.COMPLETED:
        console.print(f"Completed: the adapter is in {output}", markup=False, soft_wrap=True)
    else:
        fail(f"{job.status.capitalize()}: {job.message} {job.evidence}".strip())


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} {task.fields[numbers]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _fields(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"The spec {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise BadInput(f"The spec {path} holds no fields; write them as “name: value” lines.")
    return content


def _set(asked: dict[str, Any], setting: str) -> None:
    name, equals, value = setting.partition("=")
    if not equals:
        raise BadInput(f"--set {setting} has no “=”; write it as --set hyperparameters.seed=7.")
    *parents, leaf = name.split(".")
    place = asked
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise BadInput(f"--set {name}: “{parent}” is a value, not a group of fields.")
    place[leaf] = yaml.safe_load(value)
