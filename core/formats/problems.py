"""What can be wrong with a row or a file, each with its code. Faces print the code; searches and tests name it."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import BadInput


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class RowProblem(Exception):
    """A row that does not fit its format; the importer keeps it as a broken row."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class FileProblem(BadInput):
    """A file that is no dataset at all (`code` says why); nothing of it is kept. `line` counts from 1, 0: the whole."""

    def __init__(self, code: str, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on a row: `row` counts from 0 within the version, `line` from 1 within the user's file."""

    row: int
    line: int
    code: str
    detail: str = ""
