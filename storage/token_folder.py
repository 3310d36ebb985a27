"""A dataset's tokens under one tokenizer and template: `cache/tokens/<key>/`, sealed by its manifest.

Written once by whoever needs them first (a trainer, or the examination), read by all later ones. What lies there
depends on rows, tokenizer, template and renderer only; where a row is cut is decided by who reads.

input_ids.bin   int32, all sequences one after the other
learned.bin     one byte a token: 1 where the loss counts
offsets.bin     int64, where each sequence begins in the two above, and the end
row_ids.bin     8 bytes a row: `storage.rows.row_id` as bytes
refused.jsonl   {"row", "code", "detail"} for each row without tokens
notes.jsonl     the same for rows that have tokens and something to tell
about.json      where it comes from, and how many sequences a row has

Rows are known by number here, not by line: two versions may have the same rows from different places of two files.
"""

import hashlib
import os
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from storage import manifest
from storage.files import read_json
from storage.rows import Kind

#: Changes whenever the same row would become other tokens: then nothing old is used any more.
RENDERER = 1
#: Inside the data folder.
CACHE = "cache/tokens"
INPUT_IDS, LEARNED, OFFSETS = "input_ids.bin", "learned.bin", "offsets.bin"
ROW_IDS = "row_ids.bin"
#: Written by the first examination: tokens of each row's longest sequence, and row numbers, longest first (uint32).
LENGTHS, BY_LENGTH = "lengths.npy", "by_length.bin"
REFUSED, NOTES, ABOUT = "refused.jsonl", "notes.jsonl", "about.json"
#: Where more rows than this would train nothing, a run is not what was asked for and is refused.
LARGEST_EMPTY_SHARE = 0.05
#: What decides about a tokenizer and its template. Weights do not.
TOKENIZER_FILES = (
    "tokenizer*",
    "*.model",
    "*.tiktoken",
    "vocab*",
    "merges.txt",
    "*tokens*.json",
    "chat_template*",
    "*_chat_templates/*",
    "config.json",
)
#: Of one preference row: the chosen and the rejected answer after the same prompt.
SEQUENCES = {Kind.PREFERENCE: 2}


@dataclass(frozen=True, slots=True)
class About:
    """What the tokens of a folder were made from. `dataset` is the id: once its folder is gone, so may this be."""

    dataset: str
    dataset_sha256: str
    model: str
    kind: str
    rows: int
    sequences_per_row: int
    tokens: int

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def key_of(dataset_sha256: str, kind: Kind, model: Path, chat_template: str = "") -> str:
    """The folder's name. Reads the tokenizer's files, some megabytes: not for the event loop.

    `chat_template` is the one in the place of the model's own; empty where there is none.
    """
    digest = hashlib.sha256(f"{RENDERER} {dataset_sha256} {kind}".encode())
    if chat_template:
        digest.update(b" template " + hashlib.sha256(chat_template.encode()).digest())
    for package in ("transformers", "tokenizers"):
        digest.update(f" {package} {metadata.version(package)}".encode())
    for path in sorted({path for pattern in TOKENIZER_FILES for path in model.glob(pattern) if path.is_file()}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f" {path.relative_to(model).as_posix()} {content}".encode())
    return digest.hexdigest()[:32]


def report_of(cache: Path, key: str, dataset_id: str, context: int) -> Path:
    """What an examination found at this context; beside it, as `.jsonl`, one finding a line."""
    return cache / key / f"examined-{dataset_id}-{context}.json"


def open_sealed(folder: Path) -> About | None:
    """What the folder holds, marked as used just now; None where it is not there or not whole."""
    found = read_json(folder / ABOUT)
    if found is None or not manifest.is_sealed(folder):
        return None
    try:
        os.utime(folder / ABOUT)
        return About(**found)
    except (TypeError, FileNotFoundError):
        return None  # of another version, or swept away this moment


def oldest_first(cache: Path) -> list[tuple[Path, int]]:
    """(folder, bytes) of everything in the cache, the least recently used first."""
    found = []
    for folder in cache.glob("[!.]*"):
        try:
            used = (folder / ABOUT).stat().st_mtime
            found.append((used, folder, sum(file.stat().st_size for file in folder.iterdir())))
        except FileNotFoundError:
            continue
    return [(folder, size) for _, folder, size in sorted(found)]
