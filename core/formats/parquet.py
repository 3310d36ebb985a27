"""Parquet, one row group at a time. pyarrow is imported on first use: only child processes read files with it."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.formats.limits import COLUMNS, ROW_GROUP_BYTES
from core.formats.problems import FileProblem, RowProblem
from core.formats.raw import Raw
from core.formats.source import Meter

_BATCH_ROWS = 512


def rows(path: Path, meter: Meter) -> Iterator[Raw]:
    """Rows count from 1. Raises FileProblem for a damaged file and for row groups that would not fit into memory."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=False) as file:
            _check(file.metadata)
            number = 0
            groups = file.metadata.num_row_groups
            for group in range(groups):
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False):
                    for content in batch.to_pylist():
                        number += 1
                        yield _row(number, content)
                meter.done = meter.total * (group + 1) // groups
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise FileProblem("damaged_parquet", f"{path.name} cannot be read as Parquet ({error}).") from error


def _check(metadata: Any) -> None:
    if metadata.num_columns > COLUMNS:
        raise FileProblem("too_many_columns", f"The table has {metadata.num_columns} columns; {COLUMNS} are allowed.")
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).total_byte_size
        if size > ROW_GROUP_BYTES:
            raise FileProblem(
                "row_group_too_large",
                f"Row group {group} has {size / 1e9:.1f} GB unpacked; {ROW_GROUP_BYTES / 1e9:.0f} are read at once at "
                "most. Write the file with smaller row groups.",
            )


def _row(number: int, content: dict[str, Any]) -> Raw:
    try:
        return Raw(number, {name: plain(value) for name, value in content.items()})
    except RowProblem as problem:
        return Raw(number, text=str(content), problem=problem)


def plain(value: Any) -> Any:
    """As JSON would have it: dates and decimals as texts, absent fields of structs left out."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise RowProblem("nan_or_inf", f"A value is {value}.")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str | int | float | bool | None) else str(value)
