"""`tunesmith jobs`: what the jobs page shows and does, on a terminal. Requests go through `core.handover`."""

import dataclasses
from typing import Annotated

import rich.table
import typer

from cli import job_commands
from cli.job_commands import JobId
from cli.output import console, one_sentence, say_json
from cli.train import DataDir
from core.home import Home
from core.studio import Studio
from storage.jobs import Query
from storage.tables import Job

jobs = typer.Typer(help="List, order, hold, cancel, pause, resume, retry and delete jobs.", no_args_is_help=True)
job_commands.register(jobs)


@jobs.command("ls")
def ls(
    search: Annotated[str, typer.Option(help="Words in id, name, dataset or creator.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 25,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
) -> None:
    """The newest jobs first."""
    with one_sentence():
        studio = Studio(Home.locate(data_dir))
        studio.open()
        found = studio.runs.search(Query(search=search, page_size=limit))
        reasons = studio.queue.reasons()
        studio.close()
    if as_json:
        for job in found.rows:
            say_json(job.model_dump(exclude={"token"}) | {"waits_because": reasons.get(job.id, "")})
    elif not found.rows:
        console.print("No jobs yet. Start one with: tunesmith train examples/support.jsonl")
    else:
        console.print(_table(found.rows))
        for job in found.rows:
            if remark := job.health or reasons.get(job.id, ""):
                console.print(f"{job.id}: {remark}", style="dim", markup=False, highlight=False, soft_wrap=True)


@jobs.command()
def checkpoints(
    job_id: JobId, as_json: Annotated[bool, typer.Option("--json")] = False, data_dir: DataDir = None
) -> None:
    """A job's checkpoints, the newest first."""
    with one_sentence():
        studio = Studio(Home.locate(data_dir))
        studio.open()
        found = studio.checkpoints.of(job_id)
        studio.close()
    if as_json:
        for saved in found:
            say_json(dataclasses.asdict(saved))
    elif not found:
        console.print("No checkpoints yet.")
    else:
        table = rich.table.Table("Step", "Written (UTC)", "Size", "Evaluation", "")
        for saved in found:
            size = f"{saved.bytes / 1024**2:.1f} MB"
            table.add_row(
                str(saved.step), f"{saved.at:%Y-%m-%d %H:%M:%S}", size, saved.evaluation, ", ".join(saved.badges)
            )
        console.print(table)


def _table(rows: tuple[Job, ...]) -> rich.table.Table:
    table = rich.table.Table("Id", "Name", "Model", "Dataset", "Status", "Done", "Eval loss")
    for job in rows:
        eval_loss = "" if job.eval_loss is None else f"{job.eval_loss:.4f}"
        table.add_row(
            job.id,
            job.title,
            job.model_name,
            job.dataset_name,
            job.status,
            f"{job.share_done:.0%}",
            eval_loss,
        )
    return table
