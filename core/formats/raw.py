"""A row as it stands in the user's file, and what is worth saying about the file as a whole."""

from dataclasses import dataclass, field

from core.formats.problems import RowProblem
from storage.rows import Content


@dataclass(frozen=True, slots=True)
class Raw:
    """`line` counts from 1; tables without lines (Parquet) count rows. `problem` says why there is no content."""

    line: int
    content: Content = field(default_factory=dict)
    text: str = ""
    problem: RowProblem | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the file: nothing is wrong with a row. `line` 0: the whole."""

    code: str
    text: str
    line: int = 0


class Notes:
    """What readers want to say; each code once, with how often."""

    def __init__(self) -> None:
        self._first: dict[str, Note] = {}
        self.counts: dict[str, int] = {}

    def add(self, code: str, text: str, line: int = 0, count: int = 1) -> None:
        self._first.setdefault(code, Note(code, text, line))
        self.counts[code] = self.counts.get(code, 0) + count

    def all(self) -> list[Note]:
        return list(self._first.values())
