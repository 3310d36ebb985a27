"""What can be done with a deployment from a page. A refusal is shown as it is said."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from nicegui import ui

from core.errors import StudioError
from core.people import Actor
from core.studio import Studio
from ui.texts import say
from ui.threads import in_thread


async def do(studio: Studio, doing: Callable[[Actor], Any]) -> bool:
    """Whether it was done."""
    try:
        actor = await in_thread(studio.people.actor)
        done = await in_thread(doing, actor)
    except StudioError as error:
        ui.notify(say(str(error)), type="negative")
        return False
    if isinstance(done, Future):  # a switch; its page says how it goes on
        done.add_done_callback(lambda finished: finished.exception())
    return True
