"""What tensors a safetensors file holds: names, types and shapes, from its header alone."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

#: The format itself allows 100 MB. A model of 700 billion parameters has 10.
LARGEST_HEADER = 32 * 1024**2
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
          "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "U32": 4, "U64": 8}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    dtype: str
    shape: tuple[int, ...]


def tensors_in(path: Path) -> dict[str, Tensor]:
    """Raises BadInput where the header does not describe the very bytes of the file."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length) if length <= LARGEST_HEADER else b"")
        data_bytes = path.stat().st_size - 8 - length
        found = {name: _tensor(entry, data_bytes) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise BadInput(
            "{name} is no whole safetensors file ({error}). Get or save it again.",
            name=path.name,
            error=str(error)[:120],
        ) from error
    return found


def _tensor(entry: dict[str, object], data_bytes: int) -> Tensor:
    dtype, shape, offsets = str(entry["dtype"]), entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise ValueError("a shape that is none")
    count = 1
    for size in shape:
        count *= size
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(at) is int for at in offsets):
        raise ValueError("offsets that are none")
    begin, end = offsets
    if not 0 <= begin <= end <= data_bytes or end - begin != count * WIDTHS[dtype]:
        raise ValueError("offsets outside of the file")
    return Tensor(dtype, tuple(shape))
