"""Name, description, tags and visibility of a dataset, changed in a dialog. They are the same for all versions."""

from nicegui import ui
from pydantic import ValidationError

from core.datasets.labels import Labels
from core.errors import StudioError, explain
from core.studio import Studio
from storage.tables import Dataset, Visibility
from ui import routes
from ui.components.button import Button
from ui.components.text import Text, aria, box, heading
from ui.texts import said
from ui.threads import in_thread

SEEN_BY = {Visibility.EVERYONE: "Everyone on this studio", Visibility.PRIVATE: "Only me"}


def labels_dialog(studio: Studio, dataset: Dataset) -> ui.dialog:
    async def save() -> None:
        try:
            labels = Labels(
                name=name.value or "",
                description=about.value or "",
                tags=[tag for tag in (tags.value or "").split(",") if tag.strip()],
                visibility=seen.value,
            )
            actor = await in_thread(studio.people.actor)
            await in_thread(studio.datasets.describe, dataset.id, labels, actor=actor)
        except (ValidationError, StudioError) as error:
            problem.text = explain(error) if isinstance(error, ValidationError) else str(error)
            return
        ui.navigate.to(routes.dataset(dataset.id))

    with ui.dialog() as dialog, box("ts-dialog ts-dialog-wide"):
        dialog.props(aria("Edit details"))
        heading("Edit details", 2)
        with box("ts-field"):
            props = _labelled("Name", "name")
            name = ui.input(value=dataset.name).props(props).classes("ts-input").mark("label-name")
        with box("ts-field"):
            props = _labelled("Description", "description")
            about = ui.textarea(value=dataset.description).props(f"{props} autogrow").classes("ts-input")
        with box("ts-field"):
            props = _labelled("Tags, separated by commas", "tags")
            tags = ui.input(value=", ".join(dataset.tags)).props(props).classes("ts-input").mark("label-tags")
        with box("ts-field"):
            props = _labelled("Who sees it", "visibility")
            seen = ui.select(said(SEEN_BY), value=dataset.visibility).props(props).classes("ts-input")
        problem = Text("p", "", "ts-error").props("role=alert")
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Save", save, kind="primary")
    return dialog


def _labelled(title: str, key: str) -> str:
    """The label above a field, and the props that tie them together."""
    Text("label", title, "ts-label").props["for"] = f"label-{key}"
    return f"outlined dense for=label-{key} popup-content-class=ts-menu"
