"""`start/` of a run: another run's output or checkpoint, in files that need that other run no more."""

import hashlib
from pathlib import Path
from typing import Any

from core.errors import BadInput, Conflict
from storage import manifest
from storage.files import json_bytes, write_json
from storage.retention import alone_with
from storage.run_folder import BENEATH

#: Of a checkpoint. The rest only serves its own run to go on: twice the size of the weights, and pickles among it.
KEPT = frozenset({".safetensors", ".json", ".jinja", ".txt", ".model"})
ONLY_TO_RESUME = "trainer_state.json"


def digest(output: Path, step: int = 0, beneath: Path | None = None) -> str:
    """Of the manifest that `take` leaves, which holds the sha256 of every file. `step`: of a checkpoint."""
    told = json_bytes(_contents(output, beneath)) if step else (output / manifest.NAME).read_bytes()
    return hashlib.sha256(told).hexdigest()


def take(output: Path, step: int, beneath: Path | None, into: Path) -> None:
    """Raises StudioError where it goes meanwhile."""
    if not step:
        return manifest.link(output, into)
    try:
        with alone_with(output.parent):
            _take_checkpoint(output, beneath, into)
    except TimeoutError as error:
        raise Conflict("The job's checkpoints are being tidied up; try again in a moment.") from error
    except FileNotFoundError as error:
        raise BadInput("The checkpoint of step {step} has just been removed. Choose another one.", step=step) from error


def _take_checkpoint(checkpoint: Path, beneath: Path | None, into: Path) -> None:
    for name in _kept(checkpoint):
        manifest.link_file(checkpoint / name, into / name)
    if beneath:
        manifest.link(beneath, into / BENEATH)
    write_json(into / manifest.NAME, _contents(checkpoint, beneath))


def _contents(checkpoint: Path, beneath: Path | None) -> dict[str, Any]:
    """An output holds what it lies on top of; a checkpoint does not, so it is put beside it."""
    under = manifest.entries(beneath) if beneath else {}
    return {"files": _kept(checkpoint) | {f"{BENEATH}/{name}": entry for name, entry in under.items()}}


def _kept(checkpoint: Path) -> dict[str, dict[str, Any]]:
    whole = manifest.entries(checkpoint)
    return {name: one for name, one in whole.items() if Path(name).suffix in KEPT and name != ONLY_TO_RESUME}
