"""Tensors of safetensors files as numpy arrays of 32 bits, one at a time. Needs no torch: numpy knows no bfloat16.

The format is a JSON header behind its own length (8 bytes, little-endian), then the bytes.
"""

import json
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from serving.failures import CannotHold

HEADER_BYTES = 100_000_000
READERS = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, slots=True)
class Stored:
    """Where one tensor stands. `start` and `stop` are bytes of the file."""

    path: Path
    name: str
    kind: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def bytes(self) -> int:
        return READERS[self.kind].itemsize * math.prod(self.shape)

    def read(self) -> np.ndarray:
        """A copy in 32 bits."""
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            raw = np.frombuffer(mapped, READERS[self.kind], math.prod(self.shape), self.start)
            # bfloat16 is the upper half of a float32.
            wide = (raw.astype(np.uint32) << 16).view(np.float32) if self.kind == "BF16" else raw.astype(np.float32)
            del raw
        return wide.reshape(self.shape)


def tensors_of(folder: Path) -> Iterator[Stored]:
    """Of every safetensors file of a folder. Raises CannotHold for numbers that are no floats."""
    for path in sorted(folder.glob("*.safetensors")):
        yield from listed(path)


def listed(path: Path) -> Iterator[Stored]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(HEADER_BYTES, size - 8):
            raise CannotHold(f"{path.name} is no whole safetensors file.")
        head = file.read(length)
    try:
        entries = {name: entry for name, entry in json.loads(head).items() if name != "__metadata__"}
        found = [stored(path, name, entry, 8 + length) for name, entry in entries.items()]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotHold(f"{path.name} is no whole safetensors file: {str(error)[:100]}.") from error
    for tensor in found:
        if not (tensor.start <= tensor.stop <= size and tensor.stop - tensor.start == tensor.bytes):
            raise CannotHold(f"{path.name} is no whole safetensors file: {tensor.name[:100]} lies outside of it.")
        yield tensor


def stored(path: Path, name: str, entry: dict[str, Any], begin: int) -> Stored:
    kind = str(entry["dtype"])
    if kind not in READERS:
        raise CannotHold(f"The weights {name[:100]} are {kind[:20]}; our llama.cpp files are made of 16 or 32 bits.")
    start, stop = (begin + abs(int(at)) for at in entry["data_offsets"])
    return Stored(path, name, kind, tuple(map(int, entry["shape"])), start, stop)
