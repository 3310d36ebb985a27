"""The import from conversations: an export is uploaded, read and looked through; then it becomes a dataset."""

from functools import partial

from nicegui import ui

from core.conversations.imports import Reading
from core.conversations.options import ImportOptions
from core.datasets.arrivals import Arrival
from core.datasets.uploads import Upload
from core.errors import NotFound
from core.studio import Studio
from storage.rows import Kind
from ui import routes
from ui.components.conversation_chooser import ConversationChooser
from ui.components.export_sources import export_sources
from ui.components.import_progress import ImportProgress
from ui.components.reading_progress import ReadingProgress
from ui.components.text import Text, box, heading
from ui.components.upload_zone import EXPORTS, UploadZone
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.threads import in_thread

TITLE = "Import from Conversations"
SUBTITLE = "Choose from your chats what a model shall learn: whole conversations, single answers, or thumbs."


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.CONVERSATIONS)
    async def import_page(upload: str = "") -> None:
        async with frame(studio, TITLE, (("Datasets", routes.datasets(Kind.SUPERVISED)), (TITLE, None))):
            page_head(TITLE, SUBTITLE)
            with box("ts-stretch ts-import") as stage:
                pass
            await ImportStage(studio, stage).start(upload)


class ImportStage:
    """What is shown follows from the address: `upload` names a file that is here, or its import."""

    def __init__(self, studio: Studio, stage: ui.element) -> None:
        self._studio = studio
        self._stage = stage

    async def start(self, upload_id: str) -> None:
        arrival = self._studio.arrivals.find(upload_id)
        if not upload_id:
            self._offer()
        elif arrival and not arrival.is_over:
            self._stage.clear()
            with self._stage:
                ImportProgress(arrival, self._over)
        else:
            await self._arrived(upload_id)

    def _offer(self, problem: str = "") -> None:
        ui.navigate.history.replace(routes.CONVERSATIONS)
        self._stage.clear()
        with self._stage, box("ts-upload-page"):
            with box("ts-card ts-upload-card", "section", label="Upload an export"):
                heading("Upload an export", 2)
                Text("p", "It is read on this machine and nowhere else.", "ts-muted")
                if problem:
                    Text("p", problem, "ts-error").props("role=alert").mark("import-problem")
                title = "The export of your conversations"
                UploadZone(self._studio.uploads, self._arrived, title=title, of=EXPORTS)
            export_sources()

    async def _arrived(self, upload_id: str) -> None:
        try:
            upload = await in_thread(self._studio.uploads.finished, upload_id)
        except NotFound as error:
            self._offer(str(error))
            return
        ui.navigate.history.replace(routes.conversations(upload.id))
        reading = await in_thread(self._studio.conversations.read, upload)
        if reading.overview:
            await self._choose(upload, reading)
            return
        self._stage.clear()
        with self._stage:
            ReadingProgress(reading, partial(self._read, upload))

    async def _read(self, upload: Upload, reading: Reading) -> None:
        if reading.overview:
            await self._choose(upload, reading)
        else:
            await self._discard(upload, reading.problem)

    async def _discard(self, upload: Upload, problem: str = "") -> None:
        await in_thread(self._studio.conversations.discard, upload)
        self._offer(problem)

    async def _choose(self, upload: Upload, reading: Reading, problem: str = "") -> None:
        summaries = await in_thread(reading.store.summaries)
        overview = await in_thread(reading.store.overview)
        self._stage.clear()
        with self._stage:
            chooser = ConversationChooser(
                reading.folder,
                overview,
                summaries,
                on_create=partial(self._create, upload),
                on_discard=partial(self._discard, upload),
                problem=problem,
            )
        await chooser.start()

    async def _create(self, upload: Upload, name: str, numbers: list[int], options: ImportOptions) -> None:
        actor = await in_thread(self._studio.people.actor)
        create = self._studio.conversations.create
        arrival = self._studio.arrivals.begin(
            upload.id,
            upload.name,
            lambda arrival: create(upload, numbers, options, name=name, actor=actor, arrival=arrival),
        )
        self._stage.clear()
        with self._stage:
            ImportProgress(arrival, self._over)

    async def _over(self, arrival: Arrival) -> None:
        """It did not become a dataset; the conversations are still here to be chosen in another way."""
        try:
            upload = await in_thread(self._studio.uploads.finished, arrival.key)
        except NotFound as error:
            self._offer(arrival.problem or str(error))
            return
        reading = await in_thread(self._studio.conversations.read, upload)
        await self._choose(upload, reading, arrival.problem)
