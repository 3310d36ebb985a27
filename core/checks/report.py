"""The verdict on a version: how many rows are fine, and which codes the others have. `report.json` beside the rows."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from storage.files import write_atomic
from storage.rows import Kind

REPORT = "report.json"
#: How many rows of a code the report names; all of them are in the findings.
ROWS_NAMED = 20


class CodeCount(BaseModel):
    """How often a code was found, and the first rows that have it (counted from 0)."""

    count: int = 0
    rows: list[int] = []


class FileNote(BaseModel):
    """Something about the file; nothing is wrong with a row. `line` 0: the whole."""

    code: str
    text: str
    line: int = 0
    count: int = 1


class Report(BaseModel):
    """Rows are counted once, by their gravest finding."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    format: str
    container: str = ""
    encoding: str = ""
    rows: int
    ok: int
    warnings: int
    errors: int
    #: Of everything a model would read or learn.
    characters: int
    #: Of the canonical rows: the version's identity.
    sha256: str
    codes: dict[str, CodeCount] = {}
    columns: list[str] = []
    notes: list[FileNote] = []

    def write(self, folder: Path) -> None:
        write_atomic(folder / REPORT, self.model_dump_json(indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> "Report":
        return cls.model_validate_json((folder / REPORT).read_bytes())
