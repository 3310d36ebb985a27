"""The drop zone inside the wizard: what is clear is imported at once, what is not goes to the upload page."""

from collections.abc import Awaitable, Callable
from functools import partial

from core.datasets.arrivals import Arrival
from core.datasets.looking import look
from core.datasets.uploads import Upload
from core.errors import StudioError
from core.people import Actor
from core.studio import Studio
from storage.rows import Kind
from storage.tables import Dataset
from ui import routes
from ui.components.import_progress import ImportProgress
from ui.components.text import Text, box, link
from ui.components.upload_zone import UploadZone
from ui.kinds import UPLOADS
from ui.threads import in_thread


class WizardUpload:
    """`on_dataset` gets the id of what was imported, of whatever kind it turned out to be."""

    def __init__(self, studio: Studio, kind: Kind, on_dataset: Callable[[str], Awaitable[None]]) -> None:
        self._studio = studio
        self._kind = kind
        self._on_dataset = on_dataset
        self._zone = UploadZone(studio.uploads, self._receive, title=UPLOADS[kind].card_title)
        self._outcome = box("ts-stretch").mark("upload-outcome")

    async def _receive(self, upload_id: str) -> None:
        self._outcome.clear()
        try:
            upload = await in_thread(self._studio.uploads.finished, upload_id)
        except StudioError as error:
            self._say(str(error))
            return
        try:
            found = await in_thread(look, upload.path)
        except StudioError as error:
            await in_thread(self._studio.uploads.discard, upload)
            self._say(str(error))
            return
        if found.format and found.confident:
            await self._import(upload)
        else:
            self._say("It is not clear what the columns of this file are.", upload_id)

    async def _import(self, upload: Upload) -> None:
        actor = await in_thread(self._studio.people.actor)
        arrival = self._studio.arrivals.begin(upload.id, upload.name, partial(_add, self._studio, upload, actor))
        with self._outcome:
            ImportProgress(arrival, self._over, on_dataset=self._done)

    async def _done(self, dataset_id: str) -> None:
        await self._on_dataset(dataset_id)
        self._zone.reset()
        self._outcome.clear()

    async def _over(self, arrival: Arrival) -> None:
        self._say(arrival.problem, "" if arrival.is_cancelled else arrival.key)

    def _say(self, sentence: str, upload_id: str = "") -> None:
        self._zone.reset()
        self._outcome.clear()
        with self._outcome:
            if sentence:
                Text("p", sentence, "ts-error").props("role=alert").mark("upload-problem")
            if upload_id:
                link("Say how it is to be read", routes.dataset_upload(self._kind, upload=upload_id))


def _add(studio: Studio, upload: Upload, actor: Actor, arrival: Arrival) -> Dataset:
    added = studio.datasets.add(upload.path, actor=actor, on_progress=arrival.tell, on_start=arrival.hold)
    studio.uploads.discard(upload)
    return added
