"""An existing Hugging Face cache on this machine: which models it holds whole. Read as files; no network, no client."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput, NotFound
from core.models.admission import OnProgress, Origin, Work
from core.models.folders import Folders, files_in, licence_in
from core.models.repository import choose
from storage.files import read_json

MOST = 500
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FOLDER = re.compile(r"models--([\w\-.]{1,96})--([\w\-.]{1,96})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CachedModel:
    """`problem`: why it cannot be used, as a sentence."""

    name: str
    revision: str
    folder: Path
    bytes: int
    problem: str = ""


class HubCache:
    """All methods may block: not for the event loop."""

    def __init__(self, folders: Folders, environment: Mapping[str, str] | None = None) -> None:
        self._folders = folders
        self.place = _place(os.environ if environment is None else environment)

    def all(self) -> list[CachedModel]:
        """By name. A model that lies there without its weights says so."""
        found = (self._look(path) for path in sorted(self.place.glob("models--*--*"))[:MOST])
        return [model for model in found if model]

    def add(self, name: str, *, work: Work | None = None, on_progress: OnProgress = lambda _: None) -> str:
        """The model's id. Raises NotFound where the cache does not hold it."""
        known = {model.name: model for model in self.all()}
        model = known.get(name)
        if model is None:
            usable = ", ".join(other.name for other in known.values() if not other.problem) or "none"
            raise NotFound(
                "The cache {place} has no model {name}. It holds: {usable}.",
                place=self.place,
                name=name[:100],
                usable=usable,
            )
        if model.problem:
            raise BadInput(model.problem)
        owner, _, short = name.rpartition("/")
        origin = Origin(short, owner, name, model.revision, "cache", licence_in(model.folder))
        place = self.place.resolve()
        return self._folders.add(
            model.folder,
            origin=origin,
            work=work,
            on_progress=on_progress,
            is_open=lambda path: path.is_relative_to(place),
        )

    def _look(self, path: Path) -> CachedModel | None:
        named = _FOLDER.fullmatch(path.name)
        commit = _commit_of(path)
        folder = path / "snapshots" / commit
        if not named or not commit or not folder.is_dir():
            return None
        name = f"{named[1]}/{named[2]}"
        try:
            chosen = choose(files_in(folder), name)
            _require_all(folder, {file.path for file in chosen.weights}, name)
        except BadInput as error:
            return CachedModel(name, commit, folder, 0, str(error))
        return CachedModel(name, commit, folder, chosen.bytes)


def _require_all(folder: Path, weights: set[str], name: str) -> None:
    """A fetch that stopped half-way leaves some of the shards."""
    index = read_json(folder / "model.safetensors.index.json") or {}
    mapped = index.get("weight_map")
    wanted = set(map(str, mapped.values())) if isinstance(mapped, dict) else set()
    if "model.safetensors" not in weights and wanted != weights:
        raise BadInput("The cache holds {name} only in part. Fetch it with: tunesmith models pull {name}.", name=name)


def _commit_of(repository: Path) -> str:
    """Where `main` points; else the newest snapshot."""
    try:
        with (repository / "refs" / "main").open() as file:
            commit = file.read(100).strip()
    except (OSError, UnicodeDecodeError):
        snapshots = [path for path in repository.glob("snapshots/*") if path.is_dir()]
        commit = max(snapshots, key=lambda path: path.stat().st_mtime).name if snapshots else ""
    return commit if _COMMIT.fullmatch(commit) else ""


def _place(environment: Mapping[str, str]) -> Path:
    """As huggingface_hub finds it."""
    if chosen := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(chosen).expanduser()
    caches = environment.get("XDG_CACHE_HOME") or "~/.cache"
    home = environment.get("HF_HOME") or f"{caches}/huggingface"
    return Path(home).expanduser() / "hub"
