"""`python -m core.datasets.hub_child`: the one process that speaks with the hub, by Hugging Face's own client."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.utils.tqdm import tqdm

from core.datasets.child import Told, serve
from core.errors import BadInput
from core.hub_client import speaking

READABLE = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".txt")
PACKED = (".gz", ".zst")
#: Without its size a file is not fetched: nobody could say whether it fits.
MOST_FILES = 2000

Say = Callable[[Told], None]


def _work(request: Told, say: Say) -> Told:
    name = str(request.get("dataset", ""))
    file, revision = str(request.get("file", "")), str(request.get("revision", ""))
    with speaking("dataset", name, file=file, revision=revision) as api:
        match request["do"]:
            case "search":
                return _search(api, request)
            case "files":
                return _files(api, request)
            case _:
                return _fetch(api, request, say)


def _search(api: HfApi, request: Told) -> Told:
    listed = api.list_datasets(search=request["words"] or None, sort="downloads", limit=request["limit"], full=True)
    found = [
        {
            "id": entry.id,
            "downloads": entry.downloads or 0,
            "likes": entry.likes or 0,
            "is_gated": bool(entry.gated),
            "description": " ".join((entry.description or "").split())[:300],
        }
        for entry in listed
    ]
    return {"found": found}


def _files(api: HfApi, request: Told) -> Told:
    info = api.dataset_info(request["dataset"], revision=request["revision"], files_metadata=True)
    files = [
        {"path": file.rfilename, "bytes": file.size or 0}
        for file in (info.siblings or [])[:MOST_FILES]
        if _is_readable(file.rfilename)
    ]
    return {"files": sorted(files, key=lambda file: str(file["path"]))}


def _is_readable(path: str) -> bool:
    name = path.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(READABLE) and not name.rpartition("/")[2].startswith((".", "dataset_info"))


def _fetch(api: HfApi, request: Told, say: Say) -> Told:
    told: dict[str, Any] = {"repo_id": request["dataset"], "filename": request["file"], "repo_type": "dataset"}
    told |= {"revision": request["revision"], "local_dir": request["into"], "token": api.token}
    planned = hf_hub_download(**told, dry_run=True)
    if planned.file_size > request["room"]:
        needed, room = (f"{size / 1e6:,.0f} MB" for size in (planned.file_size, request["room"]))
        raise BadInput(
            f"{request['file']} has {needed}, but there is room for {room}. Free some space, or choose a smaller file."
        )
    path = hf_hub_download(**told | {"revision": planned.commit_hash}, tqdm_class=_telling(say))
    if Path(path).stat().st_size != planned.file_size:
        raise BadInput(f"{request['file']} arrived incomplete. Try again.")
    return {"path": path, "commit": planned.commit_hash}


def _telling(say: Say) -> type[tqdm]:
    """Hugging Face reports progress to a tqdm of one's choice."""

    class Telling(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            shown = options | {"disable": False, "file": _nowhere, "mininterval": 0.1}
            super().__init__(*args, **shown)  # type: ignore[no-untyped-call]

        def display(self, *_: Any, **__: Any) -> None:
            say({"done": int(self.n), "total": int(self.total or 0)})

    return Telling


class _Nowhere:
    def write(self, _text: str) -> None:
        """The bar itself is not shown."""

    def flush(self) -> None: ...


_nowhere = _Nowhere()

if __name__ == "__main__":
    serve(_work)
