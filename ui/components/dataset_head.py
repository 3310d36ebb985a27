"""The top of the dataset page: what it is, whether it may be trained on, and what can be done with it."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from core.datasets.export import EXPORTS
from core.errors import StudioError
from core.studio import Studio
from storage.tables import Dataset, Visibility
from ui import routes
from ui.components.button import Button
from ui.components.clock import short_date
from ui.components.confirm import confirm
from ui.components.copy_button import copyable
from ui.components.dataset_card import container_of, format_label
from ui.components.dataset_labels import labels_dialog
from ui.components.menu_item import menu_item
from ui.components.quantity import counted, size_of
from ui.components.text import Text, box, heading, link
from ui.components.verdict import verdict_line
from ui.kinds import WORDS
from ui.texts import say
from ui.threads import in_thread


def dataset_head(studio: Studio, dataset: Dataset, versions: Sequence[Dataset]) -> None:
    words = WORDS[dataset.kind]
    with box("ts-page-head"):
        with box("ts-page-head-text"):
            with box("ts-title-line"):
                heading(dataset.name, 1)
                Text("span", f"✓ {say(words.badge)}", f"ts-badge ts-badge-{words.tone}")
                if dataset.visibility is Visibility.PRIVATE:
                    Text("span", "Private", "ts-badge ts-badge-grey")
            copyable(dataset.id, "dataset id")
            if dataset.description:
                Text("p", dataset.description, "ts-subtitle ts-prose")
            if dataset.tags:
                with box("ts-dataset-badges"):
                    for tag in dataset.tags:
                        link(tag, routes.datasets(dataset.kind, tag=tag), "ts-badge ts-badge-grey")
        with box("ts-actions"):
            _actions(studio, dataset)
    newest = versions[0] if versions else dataset
    if newest.version > dataset.version:
        with box("ts-banner ts-banner-line"):
            Text(
                "span",
                say(
                    "This is version {version}; the newest is version {newest}.",
                    version=dataset.version,
                    newest=newest.version,
                ),
            )
            link(say("Open version {version}", version=newest.version), routes.dataset(newest.id))
    verdict_line(dataset)
    _figures(dataset)


def _figures(dataset: Dataset) -> None:
    words = WORDS[dataset.kind]
    with box("ts-figures", "dl"):
        for term, value in (
            (words.examples, counted(dataset.rows, words.unit)),
            ("Size", size_of(dataset.bytes)),
            ("Format", f"{container_of(dataset)} · {say(format_label(dataset))}"),
            ("Version", str(dataset.version)),
            ("Created", short_date(dataset.created_at)),
            ("Created by", dataset.created_by_name),
        ):
            with box("ts-figure"):
                Text("dt", term)
                Text("dd", value).props["title"] = say(value)


def _actions(studio: Studio, dataset: Dataset) -> None:
    dialog = labels_dialog(studio, dataset)
    delete = confirm(
        say("Delete “{name}” version {version}?", name=dataset.name, version=dataset.version),
        "It goes to the trash for a week; other versions stay. Jobs that were trained on it keep what they have.",
        yes="Delete",
        no="Keep it",
        on_yes=partial(_delete, studio, dataset),
    )
    with (
        Button("Actions", icon="chevron-down").classes("ts-icon-right").props("aria-haspopup=menu"),
        ui.menu().classes("ts-menu"),
    ):
        menu_item("Edit details", "edit", dialog.open)
        for form in EXPORTS.values():
            if dataset.kind in form.convert:
                href = f"{routes.download(dataset.id, form.name)}"
                menu_item(say("Download as {format}", format=form.label), "download", partial(ui.navigate.to, href))
        menu_item("Delete this version", "trash", delete.open)
    objective = WORDS[dataset.kind].objective
    if objective:
        href = routes.wizard(objective=str(objective), dataset=dataset.id)
        link("Start Training Job", href, "ts-button ts-primary ts-button-link").mark("train")


async def _delete(studio: Studio, dataset: Dataset) -> None:
    try:
        actor = await in_thread(studio.people.actor)
        await in_thread(studio.deletion.delete, dataset.id, actor=actor)
    except StudioError as error:
        ui.notify(say(str(error)), type="negative")
        return
    ui.navigate.to(routes.datasets(dataset.kind))
