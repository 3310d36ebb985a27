"""The deployments' counters, and their totals on disk: in each deployment's folder, written every few seconds."""

import logging
import threading
from dataclasses import asdict
from pathlib import Path

from core.serving.counters import Counter, Totals
from storage.files import read_json, write_json

#: In a deployment's folder.
FILE = "figures.json"
#: What a power cut may cost.
EVERY_S = 10.0

log = logging.getLogger(__name__)


class Ledger:
    """`folder` holds the deployments' folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._counters: dict[str, Counter] = {}
        self._kept: dict[str, Totals] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def counter(self, deployment_id: str) -> Counter:
        """Reads a file the first time."""
        with self._lock:
            if deployment_id not in self._counters:
                totals = Totals.from_json(read_json(self._folder / deployment_id / FILE) or {})
                self._counters[deployment_id], self._kept[deployment_id] = Counter(totals), totals
            return self._counters[deployment_id]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is counted any more: what was, is written."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.keep()

    def keep(self) -> None:
        with self._lock:
            changed = {name: one.totals for name, one in self._counters.items() if one.totals != self._kept[name]}
        for name, totals in changed.items():
            folder = self._folder / name
            if not folder.is_dir():
                continue  # deleted meanwhile
            try:
                write_json(folder / FILE, asdict(totals))
                self._kept[name] = totals
            except OSError as error:  # a full disk: figures are not worth more than a line
                log.warning("The figures of a deployment could not be written: %s", error)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.keep()
