"""Datasets of the Hugging Face Hub: found, listed and fetched by a process of its own; the web process only waits.

`core.hub` says where the hub is, and with whose token it is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.datasets import child
from core.datasets.importing import Import
from core.datasets.intake import OnProgress
from core.datasets.library import Datasets
from core.formats.options import ReadOptions
from core.home import Home
from core.hub import MOST_FOUND, HubAccess, require_name
from core.people import Actor
from storage.tables import Dataset

_CHILD = "core.datasets.hub_child"

#: (bytes done, bytes in all)
OnDownload = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class HubDataset:
    id: str
    downloads: int
    likes: int
    is_gated: bool
    description: str


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a dataset that can be read here."""

    path: str
    bytes: int


class Hub:
    """`endpoint` and `token` as the environment says, unless given."""

    def __init__(self, home: Home, datasets: Datasets, environment: dict[str, str] | None = None) -> None:
        self._home = home
        self._datasets = datasets
        self._access = HubAccess(home.path, environment)

    def search(self, words: str, limit: int = MOST_FOUND) -> list[HubDataset]:
        """The most used first. Raises BadInput where the hub cannot be reached."""
        told = self._ask({"do": "search", "words": words.strip()[:200], "limit": min(limit, MOST_FOUND)})
        return [HubDataset(**found) for found in told["found"]]

    def files(self, dataset: str, revision: str = "main") -> list[HubFile]:
        """JSONL, JSON, CSV, Parquet and text files, packed ones too."""
        told = self._ask({"do": "files", "dataset": dataset, "revision": revision})
        return [HubFile(**found) for found in told["files"]]

    def add(
        self,
        dataset: str,
        file: str,
        *,
        actor: Actor,
        revision: str = "main",
        name: str | None = None,
        options: ReadOptions | None = None,
        on_download: OnDownload = lambda _done, _total: None,
        on_progress: OnProgress = lambda _: None,
        on_start: Callable[[Import], None] = lambda _: None,
    ) -> Dataset:
        """Fetch one file and import it. What `on_download` raises ends the download; nothing is kept then."""
        with self._datasets.drafting() as partial:
            path, source = self.fetch(dataset, file, partial, revision=revision, on_download=on_download)
            return self._datasets.add(
                path,
                name=name or dataset.rpartition("/")[2],
                actor=actor,
                options=options,
                on_progress=on_progress,
                on_start=on_start,
                source=source,
            )

    def fetch(
        self, dataset: str, file: str, into: Path, *, revision: str = "main", on_download: OnDownload
    ) -> tuple[Path, str]:
        """One file into a folder, and the words for where it came from, its commit included."""
        request = {"do": "fetch", "dataset": dataset, "revision": revision, "file": file, "into": str(into)}
        told = self._ask(request | {"room": self._room()}, on_download)
        return Path(told["path"]), f"hf://datasets/{dataset}@{told['commit'][:12]}/{file}"

    def _room(self) -> int:
        """The file lies here twice for a while: as it came, and as rows."""
        return max(0, self._home.free_bytes() - self._home.floor_bytes) // 2

    def _ask(self, request: child.Told, on_download: OnDownload = lambda _done, _total: None) -> child.Told:
        require_name(str(request.get("dataset", "a/b")), "dataset")
        return child.run(
            _CHILD,
            request,
            on_progress=lambda told: on_download(told["done"], told["total"]),
            environment=self._access.environment(),
        )
