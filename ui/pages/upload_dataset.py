"""The upload page: a file, rows by hand, the hub or this machine; then what it is, and the import."""

import secrets
from functools import partial
from pathlib import Path

from nicegui import ui

from core.datasets.arrivals import Arrival
from core.datasets.roots import Roots
from core.datasets.uploads import Upload
from core.errors import NotFound
from core.formats.options import ReadOptions
from core.people import Actor
from core.studio import Studio
from storage.rows import Kind
from storage.tables import Dataset
from ui import routes
from ui.components.arrived_file import ArrivedFile
from ui.components.button import Button
from ui.components.format_box import format_box
from ui.components.hub_search import HubSearch
from ui.components.import_progress import ImportProgress
from ui.components.machine_files import MachineFiles
from ui.components.paste_rows import PasteRows
from ui.components.text import Text, box, emoji, heading, link
from ui.components.upload_zone import UploadZone
from ui.kinds import UPLOADED_AS, UPLOADS, WORDS, kind_named
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

WAYS = {"": "Upload a file", "paste": "Write rows", "hub": "Hugging Face Hub", "machine": "This machine"}


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.DATASET_UPLOAD)
    async def upload_page(kind: str = "supervised", way: str = "", upload: str = "") -> None:
        shown = UPLOADED_AS.get(kind_named(kind), kind_named(kind))
        words = UPLOADS[shown]
        crumbs = ((WORDS[shown].title, routes.datasets(shown)), ("Upload", None))
        async with frame(studio, words.title, crumbs):
            page_head(words.title, words.description)
            _kinds(shown)
            with box("ts-upload-page"):
                with box("ts-column-wide") as stage:
                    pass
                with box("ts-column-narrow"):
                    format_box(words)
            await UploadStage(studio, shown, way if way in WAYS else "", stage).start(upload)


def _kinds(current: Kind) -> None:
    with box("ts-tabs", "nav", label="Kind of dataset"):
        for kind in UPLOADS:
            tab = link(WORDS[kind].tab, routes.dataset_upload(kind), "ts-tab")
            if kind is current:
                tab.props("aria-current=page")


class UploadStage:
    """The left side. What is shown follows from the address: `key` names a file that is here, or its import."""

    def __init__(self, studio: Studio, kind: Kind, way: str, stage: ui.element) -> None:
        self._studio = studio
        self._kind = kind
        self._way = way
        self._stage = stage

    async def start(self, key: str) -> None:
        if not key:
            await self._offer()
        elif (arrival := self._studio.arrivals.find(key)) and not arrival.upload_id:
            self._follow(arrival)
        elif arrival:
            await self._arrived(arrival.upload_id)
        else:
            await self._arrived(key)

    async def _offer(self, problem: str = "") -> None:
        """The ways in."""
        ui.navigate.history.replace(routes.dataset_upload(self._kind, way=self._way))
        self._stage.clear()
        with self._stage:
            self._ways()
            if problem:
                Text("p", problem, "ts-error").props("role=alert").mark("file-problem")
            match self._way:
                case "paste":
                    PasteRows(self._kind, self._take_rows)
                case "hub":
                    HubSearch(self._studio.hub, self._fetch)
                case "machine":
                    files = MachineFiles(Roots.configured(), self._take_file)
                    await files.start()
                case _:
                    self._upload_card()

    def _ways(self) -> None:
        with box("ts-ways", "nav", label="Where the rows come from"):
            for way, title in WAYS.items():
                entry = link(title, routes.dataset_upload(self._kind, way=way), "ts-way")
                if way == self._way:
                    entry.props("aria-current=page")
            link("Import from Conversations", routes.CONVERSATIONS, "ts-way")

    def _upload_card(self) -> None:
        words = UPLOADS[self._kind]
        with box("ts-card ts-upload-card", "section") as card:
            card.props["aria-label"] = say(words.card_title)
            with box("ts-teach-title"):
                emoji("📤", "outbox")
                heading(words.card_title, 2)
            Text("p", words.card_text, "ts-muted")
            with box("ts-list", "ul"):
                for point in words.points:
                    Text("li", point)
            UploadZone(self._studio.uploads, self._arrived, title="Choose a file")

    async def _take_rows(self, rows: bytes) -> None:
        stored = await in_thread(self._studio.uploads.store, "written.jsonl", rows)
        await self._arrived(stored.id)

    async def _take_file(self, path: Path) -> None:
        chosen = await in_thread(Roots.configured().file, path)
        await self._arrived(self._studio.arrivals.choose(chosen, path.name))

    async def _arrived(self, key: str) -> None:
        """A file is here: say what it is."""
        found = self._studio.arrivals.chosen(key)
        upload: Upload | None = None
        if found is None:
            try:
                upload = await in_thread(self._studio.uploads.finished, key)
            except NotFound as error:
                await self._offer(str(error))
                return
        path, name = (upload.path, upload.name) if upload else (found.path, found.name) if found else (Path(), "")
        ui.navigate.history.replace(routes.dataset_upload(self._kind, upload=key))
        self._stage.clear()
        with self._stage:
            arrived = ArrivedFile(
                path,
                name,
                self._kind,
                on_import=lambda title, options: self._import(key, upload, path, title, options),
                on_discard=lambda: self._discard(upload),
            )
        await arrived.start()

    async def _discard(self, upload: Upload | None) -> None:
        if upload:
            await in_thread(self._studio.uploads.discard, upload)
        await self._offer()

    async def _import(self, key: str, upload: Upload | None, path: Path, name: str, options: ReadOptions) -> None:
        actor = await in_thread(self._studio.people.actor)
        work = partial(_add, self._studio, upload, path, name, options, actor)
        self._follow(self._studio.arrivals.begin(key, path.name, work))

    async def _fetch(self, dataset: str, file: str) -> None:
        key = secrets.token_hex(16)
        ui.navigate.history.replace(routes.dataset_upload(self._kind, upload=key))
        work = partial(_fetched, self._studio, dataset, file)
        self._follow(self._studio.arrivals.begin(key, f"{dataset}: {file}", work))

    def _follow(self, arrival: Arrival) -> None:
        self._stage.clear()
        with self._stage:
            ImportProgress(arrival, self._over)

    async def _over(self, arrival: Arrival) -> None:
        """It is no dataset: a file that was fetched, or one that can still be read in another way."""
        if arrival.upload_id:
            await self._arrived(arrival.upload_id)
            return
        is_here = self._studio.arrivals.chosen(arrival.key) is not None or await self._is_here(arrival.key)
        if arrival.is_cancelled or not is_here:
            await self._offer(arrival.problem)
            return
        self._stage.clear()
        with self._stage, box("ts-card ts-arrived", "section"):
            heading(say("{title} was not imported", title=arrival.title), 2)
            Text("p", arrival.problem, "ts-error").props("role=alert").mark("file-problem")
            with box("ts-actions"):
                Button("Read it in another way", partial(self._arrived, arrival.key))
                Button("Choose another file", self._offer)

    async def _is_here(self, key: str) -> bool:
        try:
            await in_thread(self._studio.uploads.finished, key)
        except NotFound:
            return False
        return True


def _add(
    studio: Studio, upload: Upload | None, path: Path, name: str, options: ReadOptions, actor: Actor, arrival: Arrival
) -> Dataset:
    added = studio.datasets.add(
        path,
        name=name or None,
        actor=actor,
        options=options,
        on_progress=arrival.tell,
        on_start=arrival.hold,
        source=upload.source if upload else "",
    )
    if upload:
        studio.uploads.discard(upload)
    return added


def _fetched(studio: Studio, dataset: str, file: str, arrival: Arrival) -> Upload:
    """From the hub; what it is and what its columns are is asked afterwards, as of any other file."""
    with studio.datasets.drafting() as folder:
        path, source = studio.hub.fetch(dataset, file, folder, on_download=arrival.downloaded)
        return studio.uploads.adopt(path, f"{dataset.rpartition('/')[2]} {path.name}", source)
