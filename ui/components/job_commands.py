"""What can be asked of jobs, each behind its question: cancel or delete one, those chosen, or all that is listed."""

from collections.abc import Callable, Sequence

from nicegui import ui

from core.actions import Action
from core.errors import StudioError
from core.studio import Studio
from storage.jobs import Query
from ui.components.confirm import confirm
from ui.components.job_actions import do, do_to_all
from ui.components.quantity import counted
from ui.threads import in_thread


def ask_cancel(studio: Studio, job_id: str) -> None:
    async def cancel() -> None:
        await do(studio, Action.CANCEL, job_id)

    confirm(
        "Cancel this job?",
        f"{job_id} stops after the step it is at. Checkpoints that are already on disk stay there.",
        yes="Cancel job",
        no="Keep running",
        on_yes=cancel,
    ).open()


def ask_cancel_all(studio: Studio, query: Query, count: str) -> None:
    async def cancel() -> None:
        try:
            actor = await in_thread(studio.people.actor)
            await in_thread(studio.runs.cancel_all, query, actor=actor)
        except StudioError as error:
            ui.notify(str(error), type="negative")

    confirm(
        f"Cancel {count} jobs?",
        "Everything that this filter lists, on all pages. What is queued does not start; what runs stops after the "
        "step it is at. Checkpoints that are already on disk stay there.",
        yes=f"Cancel {count} jobs",
        no="Keep them",
        on_yes=cancel,
    ).open()


def ask_cancel_chosen(studio: Studio, job_ids: Sequence[str]) -> None:
    async def cancel() -> None:
        await do_to_all(studio, Action.CANCEL, job_ids, "cancelled")

    jobs = counted(len(job_ids), "jobs")
    confirm(
        f"Cancel {jobs}?",
        "What is queued does not start; what runs stops after the step it is at. Checkpoints that are already on disk "
        "stay there. What is over stays as it is.",
        yes=f"Cancel {jobs}",
        no="Keep them",
        on_yes=cancel,
    ).open()


def ask_delete_chosen(studio: Studio, job_ids: Sequence[str]) -> None:
    async def delete() -> None:
        await do_to_all(studio, Action.DELETE, job_ids, "deleted")

    jobs = counted(len(job_ids), "jobs")
    confirm(
        f"Delete {jobs}?",
        "They leave the list, with their curves, their checkpoints and their outputs. Their folders stay in the trash "
        "for a week. What is not over stays as it is.",
        yes=f"Delete {jobs}",
        no="Keep them",
        on_yes=delete,
    ).open()


def ask_delete(studio: Studio, job_id: str, then: Callable[[], None] = lambda: None) -> None:
    async def delete() -> None:
        if await do(studio, Action.DELETE, job_id):
            then()

    confirm(
        "Delete this job?",
        f"{job_id} leaves the list, with its curve, its checkpoints and its output. Its folder stays in the trash "
        "for a week.",
        yes="Delete job",
        no="Keep it",
        on_yes=delete,
    ).open()
