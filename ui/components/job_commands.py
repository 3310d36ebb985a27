"""What can be asked of jobs, each behind its question: cancel or delete one, those chosen, or all that is listed."""

from collections.abc import Callable, Sequence

from nicegui import ui

from core.actions import Action
from core.errors import StudioError
from core.studio import Studio
from storage.jobs import Query
from ui.components.confirm import confirm
from ui.components.job_actions import do, do_to_all
from ui.texts import say
from ui.threads import in_thread


def ask_cancel(studio: Studio, job_id: str) -> None:
    async def cancel() -> None:
        await do(studio, Action.CANCEL, job_id)

    confirm(
        "Cancel this job?",
        say("{job_id} stops after the step it is at. Checkpoints that are already on disk stay there.", job_id=job_id),
        yes="Cancel job",
        no="Keep running",
        on_yes=cancel,
    ).open()


def ask_cancel_all(studio: Studio, query: Query, jobs: str) -> None:
    """`jobs` says how many: “12 jobs”."""

    async def cancel() -> None:
        try:
            actor = await in_thread(studio.people.actor)
            await in_thread(studio.runs.cancel_all, query, actor=actor)
        except StudioError as error:
            ui.notify(say(str(error)), type="negative")

    confirm(
        say("Cancel {jobs}?", jobs=jobs),
        "Everything that this filter lists, on all pages. What is queued does not start; what runs stops after the "
        "step it is at. Checkpoints that are already on disk stay there.",
        yes=say("Cancel {jobs}", jobs=jobs),
        no="Keep them",
        on_yes=cancel,
    ).open()


def ask_cancel_chosen(studio: Studio, job_ids: Sequence[str]) -> None:
    async def cancel() -> None:
        await do_to_all(studio, Action.CANCEL, job_ids, "cancelled")

    confirm(
        say("Cancel {count:,} job? | Cancel {count:,} jobs?", count=len(job_ids)),
        "What is queued does not start; what runs stops after the step it is at. Checkpoints that are already on disk "
        "stay there. What is over stays as it is.",
        yes=say("Cancel {count:,} job | Cancel {count:,} jobs", count=len(job_ids)),
        no="Keep them",
        on_yes=cancel,
    ).open()


def ask_delete_chosen(studio: Studio, job_ids: Sequence[str]) -> None:
    async def delete() -> None:
        await do_to_all(studio, Action.DELETE, job_ids, "deleted")

    confirm(
        say("Delete {count:,} job? | Delete {count:,} jobs?", count=len(job_ids)),
        "They leave the list, with their curves, their checkpoints and their outputs. Their folders stay in the trash "
        "for a week. What is not over stays as it is.",
        yes=say("Delete {count:,} job | Delete {count:,} jobs", count=len(job_ids)),
        no="Keep them",
        on_yes=delete,
    ).open()


def ask_delete(studio: Studio, job_id: str, then: Callable[[], None] = lambda: None) -> None:
    async def delete() -> None:
        if await do(studio, Action.DELETE, job_id):
            then()

    confirm(
        "Delete this job?",
        say(
            "{job_id} leaves the list, with its curve, its checkpoints and its output. "
            "Its folder stays in the trash for a week.",
            job_id=job_id,
        ),
        yes="Delete job",
        no="Keep it",
        on_yes=delete,
    ).open()
