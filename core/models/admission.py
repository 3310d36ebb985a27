"""The door of the model store: a folder of files becomes a model, or is told why it does not."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.child import Child, Progress
from core.errors import Cancelled
from core.home import Home
from core.models.config import require_harmless
from core.models.starter import STARTER_ID
from storage import manifest
from storage.child_process import Json
from storage.files import read_json

MODULE = "training.admission"
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "USE_HUB_KERNELS": "0",
}
OnProgress = Callable[[Progress], None]
LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Work:
    """A child at a time, in a row; `cancel` ends the present one and every later one."""

    progress: Progress = field(default_factory=Progress)
    is_cancelled: bool = False
    _child: Child | None = None

    def run(self, module: str, request: Json, environment: dict[str, str], on_progress: OnProgress) -> Json:
        """Raises ChildFailed with the child's sentence, Cancelled where somebody asked for it."""
        self._child = child = Child(module, request, environment)
        if self.is_cancelled:
            child.cancel()
        while child.is_running:
            child.wait(LOOK_EVERY_S)
            if child.progress != self.progress:
                self.progress = child.progress
                on_progress(self.progress)
        if self.is_cancelled:
            raise Cancelled("It was stopped.")
        return child.result()

    def cancel(self) -> None:
        self.is_cancelled = True
        if self._child:
            self._child.cancel()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from. `source`: hub, cache, folder or upload; `revision`: a commit, or a digest."""

    name: str
    provider: str
    public_id: str
    revision: str
    source: str
    licence: str = ""


class Admission:
    """One at a time: two models of one name must not choose the same place."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()

    def admit(self, folder: Path, origin: Origin, work: Work, on_progress: OnProgress = lambda _: None) -> str:
        """The model's id, once `folder` is a model of the store. Raises StudioError; then the folder stays."""
        require_harmless(folder, origin.name)
        with self._lock:
            model_id = self._id_for(origin)
            about = {
                "id": model_id,
                "name": origin.name,
                "provider": origin.provider,
                "public_id": origin.public_id,
                "licence": origin.licence or "unknown",
                "revision": origin.revision,
                "source": origin.source,
            }
            request: Json = {"folder": str(folder), "final": str(self._home.models / model_id), "about": about}
            work.run(MODULE, request, ENVIRONMENT, on_progress)
        return model_id

    def revisions(self, public_id: str) -> dict[str, str]:
        """Which revisions of a model are here already, with their ids."""
        found = {}
        for path in self._home.models.glob("[!.]*/model.json"):
            about = read_json(path) or {}
            if about.get("public_id") == public_id and manifest.is_sealed(path.parent):
                found[str(about.get("revision"))] = path.parent.name
        return found

    def _id_for(self, origin: Origin) -> str:
        """Short where that is free: qwen3-0.6b, else qwen-qwen3-0.6b, else with the revision."""
        short, long = slug(origin.name), slug(f"{origin.provider}-{origin.name}")
        for wanted in (short, long, f"{long}-{slug(origin.revision)[:8]}"):
            if self._is_free(wanted):
                return wanted
        numbered = (f"{long}-{number}" for number in range(2, 10_000))
        return next(wanted for wanted in numbered if self._is_free(wanted))

    def _is_free(self, model_id: str) -> bool:
        return model_id != STARTER_ID and not (self._home.models / model_id).exists()


def slug(text: str) -> str:
    """As a folder's name; one that ends like a half-written folder's would be swept away."""
    found = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:80]
    return found.replace(manifest.PARTIAL, "-partial").strip("-.") or "model"
