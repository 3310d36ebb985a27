"""`tunesmith jobs cancel | pause | … | move | pin | unpin | rm-checkpoint`: through whoever serves."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import console, fail, one_sentence, say_json
from cli.train import DataDir
from core.handover import act
from core.home import Home
from core.inbox import Kind, Request
from core.people import Actor
from core.queueing import Shift
from core.studio import Studio

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `tunesmith jobs ls` shows it.")]
Step = Annotated[int, typer.Argument(min=0, help="The checkpoint's step, as `tunesmith jobs checkpoints` shows it.")]
AsJson = Annotated[bool, typer.Option("--json")]


def register(jobs: typer.Typer) -> None:
    for command in (cancel, pause, resume, retry, rm, hold, release, priority, move):
        jobs.command()(command)
    for checkpoint_command in (pin, unpin, rm_checkpoint):
        jobs.command()(checkpoint_command)


def cancel(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Ask a job to end. Checkpoints that are on disk stay there."""
    _act("cancel", job_id, as_json, data_dir)


def pause(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Ask a job to save a checkpoint and free its device."""
    _act("pause", job_id, as_json, data_dir)


def resume(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Queue a paused job again."""
    _act("resume", job_id, as_json, data_dir)


def retry(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Try a failed or cancelled job again."""
    _act("retry", job_id, as_json, data_dir)


def rm(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Delete a job that is over or paused. Its folder stays in the trash for a week."""
    _act("delete", job_id, as_json, data_dir)


def hold(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Keep a queued job from starting until it is released."""
    _act("hold", job_id, as_json, data_dir)


def release(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let a held job start in its turn."""
    _act("release", job_id, as_json, data_dir)


def priority(
    job_id: JobId,
    number: Annotated[int, typer.Argument(help="-100 to 100; higher goes first.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Give a queued job another priority."""
    _act("priority", job_id, as_json, data_dir, to=str(number))


def move(job_id: JobId, where: Shift, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Move a queued job among those of its priority."""
    _act("move", job_id, as_json, data_dir, to=where.value)


def pin(job_id: JobId, step: Step, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Keep a checkpoint whatever the job's settings say."""
    _act("pin", job_id, as_json, data_dir, to=str(step))


def unpin(job_id: JobId, step: Step, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let the job's settings decide about a checkpoint again."""
    _act("unpin", job_id, as_json, data_dir, to=str(step))


def rm_checkpoint(job_id: JobId, step: Step, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Delete a checkpoint that is not pinned. It stays in the trash for a week."""
    _act("delete_checkpoint", job_id, as_json, data_dir, to=str(step))


def _act(kind: Kind, job_id: str, as_json: bool, data_dir: Path | None, to: str = "") -> None:
    with one_sentence():
        home = Home.locate(data_dir)
        actor = _actor(home)
        asked = Request(kind=kind, job_id=job_id, actor_name=actor.name, actor_email=actor.email, to=to)
        answer = act(home, asked)
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
