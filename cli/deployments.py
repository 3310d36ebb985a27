"""`tunesmith deploy` and `tunesmith deployments`: names that answer. Changes go through `core.handover`."""

from typing import Annotated, Any

import rich.table
import typer

from cli.output import console, fail, one_sentence, say_json
from cli.reading import AsJson, opened
from cli.train import DataDir
from core.handover import act
from core.home import Home
from core.inbox import Kind, Request
from core.serving.deployments import proposed_name
from core.serving.desk import live
from storage.tables import Deployment

Name = Annotated[str, typer.Argument(metavar="NAME", help="The deployment's name.")]
Target = Annotated[
    str, typer.Argument(metavar="JOB", help="A job's id or output name, or a model's id; JOB@STEP is a checkpoint.")
]

deployments = typer.Typer(help="List, stop, start, switch and delete deployments.", no_args_is_help=True)


def deploy(
    job: Target,
    name: Annotated[str, typer.Option(help="What requests call it; else the output's name.")] = "",
    checkpoint: Annotated[int | None, typer.Option(min=0, metavar="STEP", help="This checkpoint of the job.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Let a finished job, a checkpoint or a model answer at the studio's OpenAI-compatible endpoint."""
    target = job if checkpoint is None else f"{job}@{checkpoint}"
    with one_sentence():
        _ask("deployment-add", name or proposed_name(job), as_json, data_dir, target=target)


@deployments.command("ls")
def ls(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Every deployment, by name, and how it stands in the studio that serves."""
    with one_sentence(), opened(data_dir) as studio:
        rows = studio.deployments.rows()
        standing = live(studio.home, studio.people.actor()) if rows else None
    if as_json:
        for row in rows:
            say_json(row.model_dump(mode="json") | (standing or {}).get(row.name, {}))
    elif rows:
        console.print(_table(rows, standing))
        if standing is None:
            console.print("No studio serves this data folder now, so nothing answers. Start one with: tunesmith serve")
    else:
        console.print("No deployments yet. Make one of a finished job with: tunesmith deploy JOB --name NAME")


@deployments.command()
def stop(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let it answer no more. Its name is kept."""
    _ask("deployment-stop", name, as_json, data_dir)


@deployments.command()
def start(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let it answer again."""
    _ask("deployment-start", name, as_json, data_dir)


@deployments.command()
def switch(name: Name, job: Target, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let something else answer to the name, as soon as it is loaded. No request is lost."""
    _ask("deployment-switch", name, as_json, data_dir, target=job)


@deployments.command()
def rm(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Delete the name. What stands behind it stays."""
    _ask("deployment-rm", name, as_json, data_dir)


def _ask(kind: Kind, name: str, as_json: bool, data_dir: DataDir, target: str = "") -> None:
    with one_sentence():
        home = Home.locate(data_dir)
        with opened(data_dir) as studio:
            actor = studio.people.actor()
        fields = {"name": name, "target": target}
        answer = act(home, Request(kind=kind, actor_name=actor.name, actor_email=actor.email, fields=fields))
    if answer.error:
        fail(answer.error)
    if as_json:
        say_json({"deployment": name, "said": answer.said})
    else:
        console.print(answer.said, markup=False, highlight=False, soft_wrap=True)


def _table(rows: list[Deployment], standing: dict[str, dict[str, Any]] | None) -> rich.table.Table:
    table = rich.table.Table("Name", "Target", "State", "Requests", "Created by", "Reason")
    for row in rows:
        step = f"@{row.step}" if row.kind == "checkpoint" else ""
        asleep = {"state": "not served" if row.wanted else "stopped", "requests": "", "reason": row.message}
        known = (standing or {}).get(row.name, asleep)
        target, requests = f"{row.target_id}{step}", str(known["requests"])
        table.add_row(row.name, target, known["state"], requests, row.created_by_name, known["reason"])
    return table
