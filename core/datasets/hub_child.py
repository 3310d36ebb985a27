"""`python -m core.datasets.hub_child`: the one process that speaks with the hub, by Hugging Face's own client."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import tqdm

from core.datasets.child import Told, serve
from core.errors import BadInput, NotFound, StudioError

READABLE = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".txt")
PACKED = (".gz", ".zst")
#: Without its size a file is not fetched: nobody could say whether it fits.
MOST_FILES = 2000

Say = Callable[[Told], None]


def _work(request: Told, say: Say) -> Told:
    # False, not None: a token that some other program left in the home folder is none of ours.
    api = HfApi(token=os.environ.get("HF_TOKEN") or False)
    try:
        match request["do"]:
            case "search":
                return _search(api, request)
            case "files":
                return _files(api, request)
            case _:
                return _fetch(api, request, say)
    except StudioError:
        raise
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        raise _missing(error, request) from error
    except HFValidationError as error:
        raise BadInput(f"“{request.get('dataset')}” is not the name of a dataset; write it like owner/name.") from error
    except HfHubHTTPError as error:
        raise _answered(error, api) from error
    except Exception as error:  # a process's edge; which HTTP library fails below is the client's affair
        raise BadInput(
            f"The hub at {api.endpoint} cannot be reached ({_first_line(error)}). Check the connection, or choose a "
            "mirror with HF_ENDPOINT."
        ) from error


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


def _missing(error: Exception, request: Told) -> NotFound:
    dataset = request.get("dataset", "")
    if isinstance(error, GatedRepoError):
        return NotFound(
            f"{dataset} is gated: accept its terms on its page on the hub, then start Tunesmith with HF_TOKEN set to a "
            "token of that account."
        )
    if isinstance(error, LocalEntryNotFoundError):
        return NotFound(f"{dataset} could not be fetched ({_first_line(error)}). Check the connection and try again.")
    if isinstance(error, EntryNotFoundError):
        return NotFound(f"{dataset} has no file {request.get('file')}. Choose one from the list.")
    if isinstance(error, RevisionNotFoundError):
        return NotFound(f"{dataset} has no revision {request.get('revision')}. Leave it out for the newest.")
    return NotFound(
        f"There is no dataset {dataset} on the hub, or it is private. For a private one, set HF_TOKEN before the start."
    )


def _answered(error: HfHubHTTPError, api: HfApi) -> BadInput:
    status = error.response.status_code if error.response is not None else 0
    if status in (401, 403):
        return BadInput(f"The hub refuses this ({status}). Check that HF_TOKEN is a valid token with read access.")
    if status == 429:
        return BadInput("The hub asks for a pause (too many requests). Try again in a few minutes.")
    return BadInput(f"The hub at {api.endpoint} answered {status}. Try again later.")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:200]


class _Nowhere:
    def write(self, _text: str) -> None:
        """The bar itself is not shown."""

    def flush(self) -> None: ...


_nowhere = _Nowhere()

if __name__ == "__main__":
    serve(_work)
