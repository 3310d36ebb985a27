"""What can be asked of jobs, each behind its question: cancel one, cancel all that is listed, delete one."""

from collections.abc import Callable

from nicegui import ui

from core.errors import StudioError
from core.people import Actor
from core.studio import Studio
from storage.jobs import Query
from ui.components.confirm import confirm
from ui.threads import in_thread


def ask_cancel(studio: Studio, job_id: str) -> None:
    async def cancel() -> None:
        await _do(studio, lambda actor: studio.runs.cancel(job_id, actor=actor))

    confirm(
        "Cancel this job?",
        f"{job_id} stops after the step it is at. Checkpoints that are already on disk stay there.",
        yes="Cancel job",
        no="Keep running",
        on_yes=cancel,
    ).open()


def ask_cancel_all(studio: Studio, query: Query, count: str) -> None:
    async def cancel() -> None:
        await _do(studio, lambda actor: studio.runs.cancel_all(query, actor=actor))

    confirm(
        f"Cancel {count} jobs?",
        "Everything that this filter lists, on all pages. What is queued does not start; what runs stops after the "
        "step it is at. Checkpoints that are already on disk stay there.",
        yes=f"Cancel {count} jobs",
        no="Keep them",
        on_yes=cancel,
    ).open()


def ask_delete(studio: Studio, job_id: str, then: Callable[[], None] = lambda: None) -> None:
    async def delete() -> None:
        if await _do(studio, lambda actor: studio.runs.delete(job_id, actor=actor)):
            then()

    confirm(
        "Delete this job?",
        f"{job_id} leaves the list, with its curve, its checkpoints and its output. Its folder stays in the trash "
        "for a week.",
        yes="Delete job",
        no="Keep it",
        on_yes=delete,
    ).open()


async def _do(studio: Studio, what: Callable[[Actor], object]) -> bool:
    try:
        await in_thread(what, await in_thread(studio.people.actor))
    except StudioError as error:
        ui.notify(str(error), type="negative")
        return False
    return True
