"""`tunesmith jobs hold | release | priority | move`: the order of the queue, from a terminal."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.output import console, one_sentence
from cli.train import DataDir
from core.home import Home
from core.queueing import Shift
from core.studio import Studio
from storage.tables import Job


class Kind(StrEnum):
    """What can be asked about a waiting job."""

    HOLD = "hold"
    RELEASE = "release"
    PRIORITY = "priority"
    MOVE = "move"


JobId = Annotated[str, typer.Argument(help="The job's id, as `tunesmith jobs ls` shows it.")]


def register(jobs: typer.Typer) -> None:
    for command in (hold, release, priority, move):
        jobs.command()(command)


def hold(job_id: JobId, data_dir: DataDir = None) -> None:
    """Keep a queued job from starting until it is released."""
    _say(data_dir, Kind.HOLD, job_id)


def release(job_id: JobId, data_dir: DataDir = None) -> None:
    """Let a held job start in its turn."""
    _say(data_dir, Kind.RELEASE, job_id)


def priority(
    job_id: JobId,
    number: Annotated[int, typer.Argument(help="-100 to 100; higher goes first.")],
    data_dir: DataDir = None,
) -> None:
    """Give a queued job another priority."""
    _say(data_dir, Kind.PRIORITY, job_id, priority=number)


def move(job_id: JobId, where: Shift, data_dir: DataDir = None) -> None:
    """Move a queued job among those of its priority."""
    _say(data_dir, Kind.MOVE, job_id, shift=where)


def act(home: Home, kind: Kind, job_id: str, **arguments: Any) -> Job:
    """Do it in the index. A row is changed in one transaction, so a studio that serves the folder is not disturbed;
    its scheduler reads the order anew every second."""
    studio = Studio(home)
    studio.open()
    try:
        actor = studio.people.actor()
        match kind:
            case Kind.HOLD:
                return studio.queue.hold(job_id, actor=actor)
            case Kind.RELEASE:
                return studio.queue.release(job_id, actor=actor)
            case Kind.PRIORITY:
                return studio.queue.prioritise(job_id, actor=actor, **arguments)
            case Kind.MOVE:
                return studio.queue.move(job_id, actor=actor, **arguments)
    finally:
        studio.close()


def _say(data_dir: DataDir, kind: Kind, job_id: str, **arguments: Any) -> None:
    with one_sentence():
        home = Home.locate(data_dir)
        job = act(home, kind, job_id, **arguments)
        studio = Studio(home)
        reason = studio.queue.waits_because(job)
        studio.close()
    console.print(f"{job.title}: {reason or job.status.value}", markup=False, highlight=False, soft_wrap=True)
