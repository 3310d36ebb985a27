"""What the model thought of every answer before it was trained: the reference that preferences are measured against.

Kept in the run folder, because a resumed run must go on against the same numbers; a second model in memory is not
needed for them, whatever the method.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from storage import manifest
from storage.files import read_json, write_json
from training.preferences import Preference

ABOUT = "about.json"
LOGPS = "logps.npy"


def digest_of(pairs: Iterable[Preference]) -> str:
    """Which pairs, in which order, in which tokens."""
    found = hashlib.sha256()
    for pair in pairs:
        for side in (pair.chosen, pair.rejected):
            found.update(len(side.input_ids).to_bytes(8, "little"))
            found.update(side.input_ids.tobytes())
            found.update(side.learned.tobytes())
    return found.hexdigest()


def kept(folder: Path, digest: str) -> np.ndarray | None:
    """(pairs, 2): the log-probability of the chosen and of the rejected answer; None where nothing valid is kept."""
    if manifest.damage(folder) or (read_json(folder / ABOUT) or {}).get("pairs") != digest:
        return None
    return np.load(folder / LOGPS, allow_pickle=False)


def keep(folder: Path, digest: str, logps: np.ndarray) -> None:
    partial = folder.with_name(folder.name + manifest.PARTIAL)
    for left_behind in (partial, folder):
        shutil.rmtree(left_behind, ignore_errors=True)
    partial.mkdir()
    np.save(partial / LOGPS, logps)
    write_json(partial / ABOUT, {"pairs": digest})
    manifest.seal(partial, folder)
