"""Exports of conversations on their way to becoming datasets: read once, looked at often, then made into examples.

All of it happens in children; the store lies in the upload's own folder and goes with it.
"""

import logging
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.conversations.children import make_in_child, read_in_child
from core.conversations.making import Made
from core.conversations.options import ImportOptions
from core.conversations.reading import Progress
from core.conversations.store import Overview, Store
from core.datasets import intake
from core.datasets.arrivals import Arrival
from core.datasets.library import Datasets
from core.datasets.uploads import Upload, Uploads
from core.errors import Cancelled, StudioError
from core.formats.options import ReadOptions
from core.people import Actor
from storage.tables import Dataset

#: Finished ones are remembered for a page that was away for a moment.
REMEMBERED = 50

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reading:
    """An export that is read, or has been. Looked at by pages at any time; written by its thread."""

    name: str
    folder: Path
    progress: Progress = field(default_factory=Progress)
    overview: Overview | None = None
    problem: str = ""
    is_cancelled: bool = False

    @property
    def is_over(self) -> bool:
        return bool(self.overview or self.problem or self.is_cancelled)

    @property
    def store(self) -> Store:
        return Store(self.folder)

    def cancel(self) -> None:
        """The child ends with the next thing that it says."""
        self.is_cancelled = True

    def tell(self, progress: Progress) -> None:
        if self.is_cancelled:
            raise Cancelled("Reading {name} was cancelled.", name=self.name)
        self.progress = progress


class ConversationImports:
    def __init__(self, datasets: Datasets, uploads: Uploads) -> None:
        self._datasets = datasets
        self._uploads = uploads
        self._readings: dict[str, Reading] = {}
        self._lock = threading.Lock()

    def read(self, upload: Upload) -> Reading:
        """The reading of an upload: done, under way, or begun now."""
        with self._lock:
            known = self._readings.get(upload.id)
            if known and not known.problem and not known.is_cancelled:
                return known
            reading = self._readings[upload.id] = Reading(upload.name, store_of(upload))
            for old in [old for old, one in self._readings.items() if one.is_over][:-REMEMBERED]:
                del self._readings[old]
            if reading.store.is_there:  # read before the studio was started anew
                reading.overview = reading.store.overview()
                return reading
        threading.Thread(target=_read, args=(upload, reading), name=f"read {upload.name}", daemon=True).start()
        return reading

    def create(
        self,
        upload: Upload,
        numbers: Sequence[int],
        options: ImportOptions,
        *,
        name: str,
        actor: Actor,
        arrival: Arrival,
    ) -> Dataset:
        """The examples of these conversations as a dataset; the upload is then gone. Raises StudioError."""

        def made(so_far: Made) -> None:
            arrival.check()
            arrival.tell(intake.Progress(rows=so_far.rows, phase="Making examples"))

        examples = store_of(upload) / "examples.jsonl"
        make_in_child(store_of(upload), numbers, options, examples, made)
        dataset = self._datasets.add(
            examples,
            name=name,
            actor=actor,
            options=ReadOptions(format=options.format),
            on_progress=arrival.tell,
            on_start=arrival.hold,
            source=upload.name,
        )
        self.discard(upload)
        return dataset

    def discard(self, upload: Upload) -> None:
        """It is not wanted, or has become a dataset."""
        self._uploads.discard(upload)
        with self._lock:
            if reading := self._readings.pop(upload.id, None):
                reading.cancel()


def store_of(upload: Upload) -> Path:
    return upload.path.parent.parent / "conversations"


def _read(upload: Upload, reading: Reading) -> None:
    try:
        shutil.rmtree(reading.folder, ignore_errors=True)  # what an earlier attempt left
        reading.folder.mkdir(mode=0o700)
        reading.overview = read_in_child(upload.path, reading.folder, upload.name, reading.tell)
    except Cancelled:
        reading.is_cancelled = True
    except StudioError as error:
        reading.problem = str(error)
    except OSError as error:
        log.exception("Reading %s failed.", upload.name)
        reading.problem = f"{upload.name} could not be read ({error.strerror or error}). Try again."
    finally:
        if not reading.is_over:  # a bug: the traceback is in the log, and the page must not wait for ever
            reading.problem = f"Reading {upload.name} ended unexpectedly. The server's log says why."
