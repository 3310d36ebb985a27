"""What was uploaded, or lies in a folder: a model becomes a base model, an adapter a custom one."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.datasets.uploads import Upload, Uploads
from core.errors import BadInput
from core.home import Home
from core.models.adapters import Adapters
from core.models.admission import OnProgress, Origin
from core.models.archive import unpack
from core.models.folders import Folders
from core.models.repository import ADAPTER_CONFIG
from core.people import Actor
from storage import manifest


@dataclass(frozen=True, slots=True)
class Added:
    """What it has become. `is_adapter`: a custom model."""

    id: str
    name: str
    is_adapter: bool


class ModelArrivals:
    """All methods may block: not for the event loop."""

    def __init__(self, home: Home, folders: Folders, adapters: Adapters, uploads: Uploads) -> None:
        self._home = home
        self._folders = folders
        self._adapters = adapters
        self._uploads = uploads

    def add(
        self,
        folder: Path,
        *,
        actor: Actor,
        name: str = "",
        base: str = "",
        copy: bool = False,
        origin: Origin | None = None,
        on_progress: OnProgress = lambda _: None,
        is_open: Callable[[Path], bool] = lambda _: True,
    ) -> Added:
        """`name` and `base` are an adapter's, where it does not say. Raises StudioError."""
        if (folder / ADAPTER_CONFIG).is_file():
            if closed := next((path for path in folder.iterdir() if not is_open(path.resolve())), None):
                raise BadInput("{closed} lies outside the folders that may be read.", closed=closed)
            adapter = self._adapters.add(folder, actor=actor, name=name, base=base)
            return Added(adapter.id, adapter.name, True)
        model_id = self._folders.add(folder, copy=copy, origin=origin, on_progress=on_progress, is_open=is_open)
        return Added(model_id, model_id, False)

    def add_upload(
        self, upload_id: str, *, actor: Actor, base: str = "", on_progress: OnProgress = lambda _: None
    ) -> Added:
        """A zip archive or a .tar.gz. It is discarded once it has become something. Raises StudioError."""
        upload = self._uploads.finished(upload_id)
        partial = Path(tempfile.mkdtemp(prefix=".upload-", suffix=manifest.PARTIAL, dir=self._home.models))
        folder = partial / _stem(upload)
        try:
            folder.mkdir()
            unpack(upload.path, folder, self._home)
            added = self.add(folder, actor=actor, base=base, on_progress=on_progress)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._uploads.discard(upload)
        return added


def _stem(upload: Upload) -> str:
    return upload.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".zip") or "model"
