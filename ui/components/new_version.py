"""Making a new version of a dataset, and going there. A refusal is its sentence."""

from collections.abc import Callable

from nicegui import ui

from core.datasets.changes import Change
from core.errors import StudioError
from core.people import Actor
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.texts import say
from ui.threads import in_thread


async def make_version(studio: Studio, dataset: Dataset, change: Change, *, row: int = -1) -> None:
    """Goes to the new version, at `row` where one is given."""
    await go_to_version(
        studio,
        lambda actor: studio.versions.edit(dataset.id, change, actor=actor),
        row=str(row + 1) if row >= 0 else "",
    )


async def go_to_version(studio: Studio, make: Callable[[Actor], Dataset], *, row: str = "") -> None:
    try:
        actor = await in_thread(studio.people.actor)
        made = await in_thread(make, actor)
    except StudioError as error:
        ui.notify(say(str(error)), type="negative", multi_line=True)
        return
    ui.navigate.to(routes.dataset(made.id, tab="rows" if row else "versions", row=row))
