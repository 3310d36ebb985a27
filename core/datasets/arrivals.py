"""Files on their way to becoming datasets. The work belongs to no page: a reload finds it again by its key."""

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.importing import Import, Progress
from core.datasets.uploads import Upload
from core.errors import Cancelled, StudioError
from storage.tables import Dataset

#: Finished ones are remembered for a page that was away for a moment.
REMEMBERED = 50

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Arrival:
    """One import under way. Read by pages at any time; written by its thread."""

    key: str
    title: str
    progress: Progress = field(default_factory=Progress)
    dataset_id: str = ""
    #: What was fetched lies among the uploads, to be looked at before it is imported.
    upload_id: str = ""
    problem: str = ""
    is_cancelled: bool = False
    _is_asked_to_stop: bool = False
    _import: Import | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.dataset_id or self.upload_id or self.problem or self.is_cancelled)

    def tell(self, progress: Progress) -> None:
        """For `Datasets.add(on_progress=…)`."""
        self.progress = progress

    def hold(self, importing: Import) -> None:
        """For `Datasets.add(on_start=…)`: what there is to cancel."""
        self._import = importing
        if self._is_asked_to_stop:
            importing.cancel()

    def downloaded(self, done: int, total: int) -> None:
        """For `Hub.fetch(on_download=…)`; raises Cancelled once somebody has asked for it."""
        self.check()
        self.progress = Progress(done, total, 0, "Downloading")

    def check(self) -> None:
        """Raises Cancelled once somebody has asked for it."""
        if self._is_asked_to_stop:
            raise Cancelled("The import of {title} was cancelled; nothing of it was kept.", title=self.title)

    def cancel(self) -> None:
        self._is_asked_to_stop = True
        if self._import:
            self._import.cancel()


@dataclass(frozen=True, slots=True)
class Found:
    """A file of this machine that somebody chose instead of uploading one."""

    path: Path
    name: str


Work = Callable[[Arrival], Dataset | Upload]


class Arrivals:
    def __init__(self) -> None:
        self._arrivals: dict[str, Arrival] = {}
        self._found: dict[str, Found] = {}
        self._lock = threading.Lock()

    def choose(self, path: Path, name: str) -> str:
        """Remember a file under a key that can stand in an address; the address never names a path."""
        key = secrets.token_hex(16)
        self._found[key] = Found(path, name)
        return key

    def chosen(self, key: str) -> Found | None:
        return self._found.get(key)

    def find(self, key: str) -> Arrival | None:
        return self._arrivals.get(key)

    def begin(self, key: str, title: str, work: Work) -> Arrival:
        """Start `work` in a thread, unless the same key is under way already."""
        with self._lock:
            known = self._arrivals.get(key)
            if known and not known.is_over:
                return known
            arrival = self._arrivals[key] = Arrival(key, title)
            for old in [old for old, arrived in self._arrivals.items() if arrived.is_over][:-REMEMBERED]:
                del self._arrivals[old]
        threading.Thread(target=_run, args=(arrival, work), name=f"import {title}", daemon=True).start()
        return arrival


def _run(arrival: Arrival, work: Work) -> None:
    try:
        made = work(arrival)
        if isinstance(made, Upload):
            arrival.upload_id = made.id
        else:
            arrival.dataset_id = made.id
    except Cancelled:
        arrival.is_cancelled = True
    except StudioError as error:
        arrival.problem = str(error)
    except OSError as error:
        log.exception("The import of %s failed.", arrival.title)
        arrival.problem = f"{arrival.title} could not be imported ({error.strerror or error}). Try again."
    finally:
        if not arrival.is_over:  # a bug: the traceback is in the log, and the page must not wait for ever
            arrival.problem = f"The import of {arrival.title} ended unexpectedly. The server's log says why."
