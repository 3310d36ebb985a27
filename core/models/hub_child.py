"""`python -m core.models.hub_child`: searches the hub for models, and fetches the files that one is made of.

What has arrived stays: the next try asks for the rest only. No file grows beyond what was told of it beforehand.
"""

import errno
import os
import resource
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
from huggingface_hub.utils.tqdm import tqdm

from core.errors import BadInput, StudioError
from core.hub_client import speaking
from core.models.config import read_strictly, require_harmless
from core.models.repository import INDEX, LARGEST_TEXT, Choice, RepositoryFile, choose, require_shards
from storage.child_process import Json, Teller, answer
from storage.files import read_json, sha256_of, write_json

#: Of the download's folder: the files, and what they belong to.
FILES, STATE = "files", "download.json"
PART = ".part"
MOST_FILES = 5000
#: How much is lost at a cut, and how often progress is told; the client's own 10 MB are a minute on a slow line.
PIECE_BYTES = 256 * 1024


def work(request: Json, teller: Teller) -> Json:
    constants.DOWNLOAD_CHUNK_SIZE = PIECE_BYTES
    name, revision = str(request.get("model", "")), str(request.get("revision", ""))
    with speaking("model", name, revision=revision) as api:
        if request["do"] == "search":
            return _search(api, str(request["words"]), int(request["limit"]))
        return Fetch(api, name, Path(request["folder"]), teller).run(revision, int(request["room"]), request["have"])


def _search(api: HfApi, words: str, limit: int) -> Json:
    expand: Any = ["downloads", "likes", "gated", "tags", "safetensors"]
    listed = api.list_models(
        search=words or None, filter="safetensors", pipeline_tag="text-generation", sort="downloads", limit=limit,
        expand=expand,
    )  # fmt: skip
    return {
        "found": [
            {
                "id": entry.id,
                "downloads": entry.downloads or 0,
                "likes": entry.likes or 0,
                "is_gated": bool(entry.gated),
                "licence": _licence(entry),
                "parameters": int(getattr(entry.safetensors, "total", 0) or 0),
            }
            for entry in listed
        ]
    }


class Fetch:
    """One download into `folder`, which a later one can go on with."""

    def __init__(self, api: HfApi, name: str, folder: Path, teller: Teller) -> None:
        self._api = api
        self._name = name
        self._folder = folder
        self._files = folder / FILES
        self._teller = teller
        self._done = self._total = 0

    def run(self, revision: str, room: int, have: Collection[str]) -> Json:
        info = self._api.model_info(self._name, revision=revision, files_metadata=True)
        commit = str(info.sha)
        told: Json = {"commit": commit, "licence": _licence(info)}
        if commit in have:
            return told
        chosen = choose([_listed(file) for file in (info.siblings or [])[:MOST_FILES]], self._name)
        self._begin(commit, chosen)
        self._require_room(chosen, room)
        for file in chosen.texts:
            self._get(file, commit)
        require_harmless(self._files, self._name)
        if any(file.path == INDEX for file in chosen.texts):
            require_shards(read_strictly(self._files / INDEX, LARGEST_TEXT), chosen.weights, self._name)
        for file in chosen.weights:
            self._get(file, commit)
        return told

    def _begin(self, commit: str, chosen: Choice) -> None:
        """What lies here of another commit is of no use."""
        state = read_json(self._folder / STATE) or {}
        if state.get("commit") not in (None, "", commit):
            shutil.rmtree(self._files, ignore_errors=True)
        self._files.mkdir(parents=True, exist_ok=True)
        self._total = chosen.bytes
        write_json(self._folder / STATE, {**state, "commit": commit, "total": self._total})

    def _require_room(self, chosen: Choice, room: int) -> None:
        here = sum(path.stat().st_size for path in self._files.iterdir())
        if self._total - here > room:
            needed, free = (f"{size / 1e6:,.0f} MB" for size in (self._total - here, room))
            raise BadInput(
                f"{self._name} needs {needed} more, but there is room for {free}. Free some space, or choose a smaller "
                "model; nothing was fetched."
            )

    def _get(self, file: RepositoryFile, commit: str) -> None:
        target = self._files / file.path
        if target.exists():
            self._count(file.bytes)
            return
        if _from_cache(self._name, file, commit, target):
            self._count(file.bytes)
            return
        url = hf_hub_url(self._name, file.path, revision=commit, endpoint=self._api.endpoint)
        told = get_hf_file_metadata(url, token=self._api.token, endpoint=self._api.endpoint)
        if told.size != file.bytes or told.commit_hash not in (None, commit):
            raise BadInput(
                f"{self._name} is refused: its list says that {file.path} has {file.bytes:,} bytes, its server says "
                f"{told.size or 0:,}. Try again later, or choose another model."
            )
        part = target.with_name(file.path + PART)
        try:
            self._stream(url, part, file.bytes)
        except HfHubHTTPError:  # an OSError too; whoever speaks knows what to say of it
            raise
        except OSError as error:
            raise _unwritten(error, file.path, self._name) from error
        if file.sha256 and sha256_of(part) != file.sha256:
            part.unlink()
            raise BadInput(f"{file.path} of {self._name} arrived damaged and was thrown away. Try again.")
        part.rename(target)

    def _stream(self, url: str, part: Path, size_bytes: int) -> None:
        with part.open("ab") as stream, no_larger_than(size_bytes):
            if stream.tell() > size_bytes:
                stream.truncate(0)
            http_get(
                url,
                stream,
                resume_size=stream.tell(),
                headers=build_hf_headers(token=self._api.token),
                expected_size=size_bytes,
                tqdm_class=self._counting(stream.tell()),
            )
            stream.flush()
            os.fsync(stream.fileno())

    def _count(self, size_bytes: int) -> None:
        self._done += size_bytes
        self._teller.progress("Downloading", self._done, self._total)

    def _counting(self, begun: int) -> type[tqdm]:
        """Hugging Face reports progress to a tqdm of one's choice; ours counts over all files."""
        count = self._count
        count(begun)

        class Counting(tqdm):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options | {"disable": True})  # type: ignore[no-untyped-call]

            def update(self, n: float | None = 1) -> None:
                count(int(n or 0))

        return Counting


@contextmanager
def no_larger_than(size_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond that, whatever a server sends: the kernel refuses the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _unwritten(error: OSError, file: str, name: str) -> BadInput:
    if error.errno == errno.EFBIG:
        return BadInput(f"{name} is refused: its server sends more of {file} than it has told. Choose another model.")
    if error.errno:
        return BadInput(
            f"{file} of {name} could not be written ({error.strerror}). What has arrived is kept; free some space and "
            "try again."
        )
    return BadInput(f"{file} of {name} arrived incomplete. What has arrived is kept; try again.")


def _from_cache(name: str, file: RepositoryFile, commit: str, target: Path) -> bool:
    """What Hugging Face's own tools have fetched to this machine is linked instead of fetched again."""
    repository = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"
    kept = (repository / "snapshots" / commit / file.path).resolve()
    try:
        if not kept.is_relative_to(repository.resolve()) or kept.stat().st_size != file.bytes:
            return False
        if file.sha256 and sha256_of(kept) != file.sha256:
            return False
        os.link(kept, target)
    except OSError:  # not there, or on another volume
        return False
    return True


def _listed(file: RepoSibling) -> RepositoryFile:
    """Without its size a file is as large as nothing, and is refused when its server says more."""
    return RepositoryFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "")


def _licence(info: ModelInfo) -> str:
    """As its tags say; empty where they do not."""
    tags = (str(tag) for tag in info.tags or [])
    return next((tag.removeprefix("license:")[:60] for tag in tags if tag.startswith("license:")), "")


if __name__ == "__main__":
    sys.exit(answer(work, refusals=(StudioError,)))
