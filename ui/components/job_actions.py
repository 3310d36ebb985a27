"""Doing what a menu offers: pause, resume, retry, cancel, delete. A refusal is shown as its sentence."""

from nicegui import ui

from core.actions import Action, act
from core.errors import StudioError
from core.studio import Studio
from ui.threads import in_thread


async def do(studio: Studio, action: Action, job_id: str) -> bool:
    """Whether it was done."""
    try:
        actor = await in_thread(studio.people.actor)
        await in_thread(act, studio.runs, action, job_id, actor=actor)
    except StudioError as error:
        ui.notify(str(error), type="negative")
        return False
    return True
