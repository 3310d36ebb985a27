"""What happens once a day while the studio runs: old trash and abandoned uploads go, the index is backed up."""

import logging
import threading

from core.backups import Backups
from core.datasets.uploads import Uploads
from core.errors import StudioError
from core.home import Home
from core.trash import Trash

#: How often it is asked whether the day's work is done. A failure is tried again after as long.
LOOK_EVERY_S = 600.0

log = logging.getLogger(__name__)


class Nightly:
    """Due is decided by the day, not by a count of hours: clock jumps and restarts neither skip nor repeat it."""

    def __init__(self, home: Home, uploads: Uploads) -> None:
        self._uploads = uploads
        self._backups = Backups(home)
        self._trash = Trash(home)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nightly", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def look(self) -> None:
        """Do what is due. The trash first: it may make the room that the backup needs."""
        try:
            self._trash.empty()
            self._uploads.sweep()
            self._backups.take_daily()
        except (StudioError, OSError) as error:
            log.warning("The daily backup was not made and is tried again in ten minutes. %s", error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(LOOK_EVERY_S)
