"""A run on a terminal: a progress bar, or one JSON object a line. Reads the run's folder; changes nothing."""

import asyncio
import contextlib

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cli.output import console, fail, say_json
from core.feed import FeedUpdate
from core.studio import Studio
from storage.events import Metric, Phase, Warn
from storage.status import Status
from storage.tables import Job


def say_changes(studio: Studio, job_id: str, as_json: bool) -> None:
    """What will run otherwise than it was asked, with the reasons."""
    for change in studio.runs.run_spec(job_id).changes:
        if as_json:
            say_json({"type": "change", **change.model_dump()})
        else:
            console.print(
                f"{change.field}: {change.asked} → {change.runs} ({change.reason})", style="dim", markup=False
            )


async def follow(studio: Studio, job_id: str, updates: asyncio.Queue[FeedUpdate], as_json: bool) -> Status:
    """Show what the run says until it is over."""
    with contextlib.ExitStack() as stack:
        bar = None if as_json else stack.enter_context(_bar())
        task = bar.add_task("queued", total=None, numbers="") if bar else None
        while not (row := await asyncio.to_thread(studio.runs.get, job_id)).status.is_terminal:
            with contextlib.suppress(TimeoutError):
                update = await asyncio.wait_for(updates.get(), timeout=0.5)
                _show(update, job_id, bar, task)
        while not updates.empty():
            _show(updates.get_nowait(), job_id, bar, task)
    _conclude(studio, row, as_json)
    return row.status


def _show(update: FeedUpdate, job_id: str, bar: Progress | None, task: TaskID | None) -> None:
    if update.job_id != job_id:
        return  # another run of the same folder
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
    shown = ((name, event.values.get(name)) for name in ("loss", "eval_loss", "reward", "eval_reward"))
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
