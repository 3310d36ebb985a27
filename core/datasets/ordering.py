"""Rows by length or by suspicion, sorted once a version in a process of its own: `python -m core.datasets.ordering`.

An order is a file of row numbers, so a page of it costs the same anywhere in ten million rows. Where a closer look
has scored the rows, its order of suspicion is taken.
"""

from array import array
from enum import StrEnum
from pathlib import Path

from core.checks.deep_report import SUSPECT, SUSPICION
from core.checks.findings import read_findings
from core.datasets import child
from core.datasets.verdicts import level_of
from core.formats.problems import Level
from storage.files import write_atomic
from storage.rows import INDEX, ROWS, Rows

#: One error weighs more than any number of warnings that a row can have.
_WEIGHTS = {Level.ERROR: 1000, Level.WARNING: 1}


class Order(StrEnum):
    """How the rows of a version are gone through."""

    AS_IT_IS = ""
    LONGEST = "longest"
    SHORTEST = "shortest"
    SUSPICIOUS = "suspicious"


def count(version: Path, order: Order) -> int:
    """How many rows the order has; suspicious are only those in which something was found, or that were scored."""
    if order is Order.AS_IT_IS:
        return len(Rows(version))
    path, width = _sorted(version, order)
    return path.stat().st_size // width


def page(version: Path, order: Order, start: int, size: int) -> list[int]:
    """Row numbers `start` to `start + size` of the order."""
    total = count(version, order)
    start = max(0, start)
    size = max(0, min(size, total - start))
    if order is Order.AS_IT_IS:
        return list(range(start, start + size))
    path, width = _sorted(version, order)
    with path.open("rb") as file:
        file.seek(width * (total - start - size if order is Order.SHORTEST else start))
        found = [int.from_bytes(file.read(width)[:4], "little") for _ in range(size)]
    return found[::-1] if order is Order.SHORTEST else found


def _sorted(version: Path, order: Order) -> tuple[Path, int]:
    """The order's file, made on first use, and how many bytes a row has there; the first four are its number."""
    if order is Order.SUSPICIOUS and (version / SUSPICION).exists():
        return version / SUSPICION, SUSPECT.size
    is_length = order in (Order.LONGEST, Order.SHORTEST)
    path = version / ("order-length.u32" if is_length else "order-suspicion.u32")
    if not path.exists():
        child.run("core.datasets.ordering", {"version": str(version), "into": str(path), "by_length": is_length})
    return path, 4


def _work(request: child.Told, _tell: object) -> child.Told:
    version = Path(request["version"])
    numbers = _by_length(version) if request["by_length"] else _by_suspicion(version)
    write_atomic(Path(request["into"]), numbers)
    return {}


def _by_length(version: Path) -> bytes:
    """In bytes as stored; tokens, which depend on a model, are counted elsewhere."""
    import numpy  # in the child only

    begins = numpy.fromfile(version / INDEX, dtype="<u8").reshape(-1, 2)[:, 0]
    ends = numpy.append(begins[1:], (version / ROWS).stat().st_size).astype("<u8")
    return bytes(numpy.argsort(begins.astype("<i8") - ends.astype("<i8"), kind="stable").astype("<u4").tobytes())


def _by_suspicion(version: Path) -> bytes:
    weights: dict[int, int] = {}
    for finding in read_findings(version):
        weights[finding.row] = weights.get(finding.row, 0) + _WEIGHTS[level_of(finding.code)]
    return array("I", sorted(weights, key=lambda row: (-weights[row], row))).tobytes()


if __name__ == "__main__":
    child.serve(_work)
