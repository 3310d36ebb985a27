"""`tunesmith jobs`: what the jobs page shows and does, on a terminal. Requests go through `core.handover`."""

from pathlib import Path
from typing import Annotated

import rich.table
import typer

from cli import queueing
from cli.output import console, fail, one_sentence, say_json
from cli.train import DataDir
from core.handover import act
from core.home import Home
from core.inbox import Kind, Request
from core.people import Actor
from core.studio import Studio
from storage.jobs import Query
from storage.tables import Job

jobs = typer.Typer(help="List, order, hold, cancel, pause, resume, retry and delete jobs.", no_args_is_help=True)
queueing.register(jobs)

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `tunesmith jobs ls` shows it.")]
AsJson = Annotated[bool, typer.Option("--json")]


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
def cancel(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Ask a job to end. Checkpoints that are on disk stay there."""
    _act("cancel", job_id, as_json, data_dir)


@jobs.command()
def pause(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Ask a job to save a checkpoint and free its device."""
    _act("pause", job_id, as_json, data_dir)


@jobs.command()
def resume(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Queue a paused job again."""
    _act("resume", job_id, as_json, data_dir)


@jobs.command()
def retry(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Try a failed or cancelled job again."""
    _act("retry", job_id, as_json, data_dir)


@jobs.command()
def rm(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Delete a job that is over or paused. Its folder stays in the trash for a week."""
    _act("delete", job_id, as_json, data_dir)


def _act(kind: Kind, job_id: str, as_json: bool, data_dir: Path | None) -> None:
    with one_sentence():
        home = Home.locate(data_dir)
        actor = _actor(home)
        answer = act(home, Request(kind=kind, job_id=job_id, actor_name=actor.name, actor_email=actor.email))
    if answer.error:
        fail(answer.error)
    if as_json:
        say_json({"job": answer.job_id, "said": answer.said})
    else:
        console.print(answer.said, markup=False, highlight=False, soft_wrap=True)


def _actor(home: Home) -> Actor:
    studio = Studio(home)
    studio.open()
    actor = studio.people.actor()
    studio.close()
    return actor


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
