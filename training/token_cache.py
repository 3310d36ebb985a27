"""Writes and reads the token cache that `storage.token_folder` describes."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import orjson

from storage import manifest
from storage.files import write_json
from storage.rows import INDEX, Kind, Row, Rows, row_id
from storage.spec import DatasetRef, ModelRef
from storage.token_folder import (
    ABOUT,
    INPUT_IDS,
    LEARNED,
    NOTES,
    OFFSETS,
    REFUSED,
    ROW_IDS,
    SEQUENCES,
    About,
    key_of,
    oldest_first,
    open_sealed,
)
from training.failures import BadDataset, Unsupported

if TYPE_CHECKING:  # what is cached already is read without transformers, which takes seconds to import
    from transformers import PreTrainedTokenizerBase

    from training.tokenise import Tokenised

#: Five bytes a token: two thousand million tokens.
CACHE_BYTES = 10 * 1024**3

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told of a row: `code` is one of the dataset checks'."""

    row: int
    code: str
    detail: str


class Tokens:
    """A sealed folder, mapped into memory: nothing is read before it is used."""

    def __init__(self, folder: Path, about: About) -> None:
        self.folder = folder
        self.about = about
        self.input_ids = mapped(folder / INPUT_IDS, np.int32)
        self.learned = mapped(folder / LEARNED, np.bool_)
        self.offsets = mapped(folder / OFFSETS, np.int64)

    def __len__(self) -> int:
        return self.about.rows

    def sequence(self, row: int, part: int = 0) -> slice:
        """Where in the flat arrays; empty for a refused row."""
        index = row * self.about.sequences_per_row + part
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def lengths(self, part: int = 0) -> np.ndarray:
        """Tokens of each row's sequence; 0 for a refused row."""
        return np.diff(self.offsets)[part :: self.about.sequences_per_row]

    def row_ids(self) -> list[bytes]:
        """`storage.rows.row_id` of each row, as bytes."""
        raw = (self.folder / ROW_IDS).read_bytes()
        return [raw[start : start + 8] for start in range(0, len(raw), 8)]

    def refused(self) -> list[Verdict]:
        return verdicts(self.folder / REFUSED)

    def notes(self) -> list[Verdict]:
        return verdicts(self.folder / NOTES)


def tokens_of(
    dataset: DatasetRef,
    model: ModelRef,
    cache: Path,
    tokenizer: Callable[[], "PreTrainedTokenizerBase"],
    on_progress: OnProgress,
) -> tuple[Tokens, bool]:
    """The dataset's tokens, and whether an earlier job or examination had made them already.

    `on_progress(done, total)` is called after each batch of rows and may raise to stop.
    """
    folder = cache / key_of(dataset.sha256, dataset.kind, Path(model.path), model.chat_template)
    about = open_sealed(folder)
    if about:
        return Tokens(folder, about), True
    cache.mkdir(parents=True, exist_ok=True)
    # Two may write the same at once: each into its own folder, and the first to finish is kept.
    partial = cache / f".{folder.name}.{os.getpid()}{manifest.PARTIAL}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        write(dataset, model, partial, tokenizer(), on_progress)
        keep(partial, folder)
    except FileNotFoundError as error:
        raise BadDataset(f"{error.filename} is not there any more. Import the dataset again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    make_room(cache, spare=folder)
    about = open_sealed(folder)
    if about is None:
        raise BadDataset(f"The tokens of {dataset.name} vanished while they were written. Start the job again.")
    return Tokens(folder, about), False


def write(
    dataset: DatasetRef,
    model: ModelRef,
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    on_progress: OnProgress,
) -> None:
    """Streamed: memory does not grow with the dataset."""
    from training.tokenise import tokenised

    if dataset.kind is not Kind.TEXT and not tokenizer.chat_template:
        raise Unsupported(
            f"{model.name} has no chat template, so conversations cannot be put to it. Choose an instruct model."
        )
    rows = Rows(Path(dataset.path).parent)
    per_row = SEQUENCES.get(dataset.kind, 1)
    digest = hashlib.sha256()
    with contextlib.ExitStack() as stack:
        names = (INPUT_IDS, LEARNED, OFFSETS, ROW_IDS, REFUSED, NOTES)
        files = {name: stack.enter_context((folder / name).open("wb")) for name in names}
        files[OFFSETS].write(np.int64(0).tobytes())
        count = tokens = 0
        total = len(rows)
        for count, found in enumerate(tokenised(read(rows, digest, files[ROW_IDS]), dataset.kind, tokenizer), start=1):
            tokens = append(found, files, tokens, per_row)
            on_progress(count, total)
    if digest.hexdigest() != dataset.sha256:
        raise BadDataset(f"The rows of {dataset.name} are not those that were imported. Import the file again.")
    about = About(dataset.id, dataset.sha256, model.id, dataset.kind, count, per_row, tokens)
    write_json(folder / ABOUT, about.to_json())


def read(rows: Rows, digest: Any, ids: BinaryIO) -> Iterator[Row]:
    """The rows as they lie there, hashed on the way: what is trained on is what was checked."""
    try:
        for number, (line, encoded) in enumerate(rows.encoded()):
            digest.update(encoded + b"\n")
            ids.write(bytes.fromhex(row_id(encoded)))
            yield Row(number, line, orjson.loads(encoded))
    except ValueError as error:
        raise BadDataset(f"The dataset's rows are damaged: {error}. Import the file again.") from error


def append(found: "Tokenised", files: dict[str, BinaryIO], tokens: int, per_row: int) -> int:
    for sequence in found.sequences:
        files[INPUT_IDS].write(sequence.input_ids.tobytes())
        files[LEARNED].write(sequence.learned.tobytes())
        tokens += len(sequence.input_ids)
        files[OFFSETS].write(np.int64(tokens).tobytes())
    if found.refused:
        files[OFFSETS].write(np.int64(tokens).tobytes() * per_row)
        files[REFUSED].write(verdict(found.row, found.refused.code, found.refused.detail))
    for code in found.notes:
        files[NOTES].write(verdict(found.row, code, ""))
    return tokens


def verdict(row: Row, code: str, detail: str) -> bytes:
    return orjson.dumps({"row": row.number, "code": code, "detail": detail}) + b"\n"


def verdicts(path: Path) -> list[Verdict]:
    return [Verdict(**orjson.loads(line)) for line in path.read_bytes().splitlines()]


def keep(partial: Path, folder: Path) -> None:
    if folder.exists() and open_sealed(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        manifest.seal(partial, folder)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise  # else somebody was faster with the same


def make_room(cache: Path, spare: Path, most_bytes: int = CACHE_BYTES) -> None:
    """The least recently used go first. Who still has one mapped keeps its pages: only the names go."""
    found = oldest_first(cache)
    total = sum(size for _, size in found)
    for folder, size in found:
        if total <= most_bytes:
            return
        if folder != spare:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def mapped(path: Path, dtype: Any) -> np.ndarray:
    if path.stat().st_size == 0:
        return np.empty(0, dtype=dtype)  # an empty file cannot be mapped
    return np.memmap(path, dtype=dtype, mode="r")


def lines_of(dataset: DatasetRef) -> np.ndarray:
    """Where each row stood in the user's file, counted from 1."""
    return np.fromfile(Path(dataset.path).with_name(INDEX), dtype="<u8").reshape(-1, 2)[:, 1]
