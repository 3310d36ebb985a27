"""Doing what a menu or button offers, for the person at the page. A refusal is its sentence."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from core.actions import Action, act, act_on_all
from core.errors import StudioError
from core.people import Actor
from core.studio import Studio
from ui.components.quantity import counted
from ui.components.queue_menu import ask_queue
from ui.texts import say
from ui.threads import in_thread


async def do(studio: Studio, action: Action, job_id: str) -> bool:
    """Whether it was done."""
    return await _ask(studio, lambda actor: act(studio.runs, action, job_id, actor=actor))


async def do_in_queue(studio: Studio, ask: str, job_id: str) -> None:
    """`ask` is an entry of the queue menu."""
    await _ask(studio, lambda actor: ask_queue(studio.queue, ask, job_id, actor))


async def do_pin(studio: Studio, job_id: str, is_wanted: bool) -> None:
    doing = studio.pins.pin if is_wanted else studio.pins.unpin
    await _ask(studio, lambda actor: doing(job_id, actor=actor))


async def do_with_checkpoint(studio: Studio, doing: Callable[..., None], job_id: str, step: int) -> bool:
    """`doing` is one of the methods of `core.checkpoints`."""
    return await _ask(studio, lambda actor: doing(job_id, step, actor=actor))


async def do_to_all(studio: Studio, action: Action, job_ids: Sequence[str], done: str) -> None:
    """One toast for all of them: how many were `done` (“deleted”), and why the others were not."""
    actor = await in_thread(studio.people.actor)
    outcome = await in_thread(act_on_all, studio.runs, action, job_ids, actor=actor)
    said = [f"{counted(outcome.done, 'jobs')} {done}."] if outcome.done or not outcome.refused else []
    if outcome.refused:
        said.append(
            say(
                "{count:,} job left as before: {reason} | {count:,} jobs left as before: {reason}",
                count=len(outcome.refused),
                reason=outcome.refused[0],
            )
        )
    ui.notify(say(" ".join(said)), type="warning" if outcome.refused else "positive", multi_line=len(said) > 1)


async def _ask(studio: Studio, doing: Callable[[Actor], Any]) -> bool:
    try:
        actor = await in_thread(studio.people.actor)
        await in_thread(doing, actor)
    except StudioError as error:
        ui.notify(say(str(error)), type="negative")
        return False
    return True
