"""The GPUs that have answered since the machine started. One that answers no more is set aside, not forgotten."""

import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.devices import CPU, Device
from storage.files import read_json, write_json
from storage.process import boot_id

log = logging.getLogger(__name__)


class KnownGpus:
    """Remembered in `path` over a restart of the server, until the machine is restarted: by then a card may have been
    taken out. `source` tells a simulation's GPUs from the machine's."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source
        self._known = {gpu.uuid: gpu for gpu in self._read()}
        self._kept = set(self._known)

    def note(self, seen: Iterable[Device]) -> None:
        # A new dict: pages look in threads of their own, and one may be walking through the old one.
        self._known = {**self._known, **{device.uuid: device for device in seen if device.kind != CPU}}

    def get(self, uuid: str) -> Device | None:
        return self._known.get(uuid)

    def missing(self, seen: Iterable[Device]) -> list[Device]:
        here = {device.uuid for device in seen}
        return [gpu for uuid, gpu in self._known.items() if uuid not in here]

    def keep(self) -> None:
        """Write down those that are new. Only the process that serves the folder does."""
        if self._kept == set(self._known):
            return
        self._kept = set(self._known)
        gpus = [
            {"uuid": gpu.uuid, "name": gpu.name, "memory_bytes": gpu.memory_bytes, "index": gpu.index}
            for gpu in self._known.values()
        ]
        try:
            write_json(self._path, {"boot_id": boot_id(), "source": self._source, "gpus": gpus})
        except OSError as error:
            # On a full disk only the name of a GPU that vanishes before the next restart is lost.
            log.warning("%s could not be written (%s).", self._path, error)

    def _read(self) -> Iterable[Device]:
        kept = read_json(self._path) or {}
        if (kept.get("boot_id"), kept.get("source")) != (boot_id(), self._source):
            return
        for gpu in kept.get("gpus", ()):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                yield _gpu(gpu)


def _gpu(kept: dict[str, Any]) -> Device:
    return Device(
        uuid=str(kept["uuid"]),
        name=str(kept["name"]),
        memory_bytes=int(kept["memory_bytes"]),
        free_bytes=0,
        index=int(kept["index"]),
    )
