"""What is asked of a version, and what came of it. A change never touches the rows it starts from."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.checks.codes import CODES
from core.formats.problems import Level
from storage.rows import Content

DIFF = "diff.json"
#: So many rows of a difference are kept to be shown; the counts are of all.
ROWS_SHOWN = 20
CHARACTERS_SHOWN = 4000

ERRORS = frozenset(code for code, found in CODES.items() if found.level is Level.ERROR)


class Change(BaseModel):
    """Row numbers are the parent's. `insert` puts rows before a number; the parent's length appends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replace: dict[int, Content] = {}
    delete: frozenset[int] = frozenset()
    insert: dict[int, list[Content]] = {}
    #: Rows with a finding of one of these codes go.
    drop: frozenset[str] = frozenset()
    #: Rows that equal a row of this version go too.
    leave_to: Path | None = None


class Difference(BaseModel):
    """One row: `before` and `after` are its JSON, cut where it is long; empty where there is none."""

    model_config = ConfigDict(frozen=True)

    row: int
    line: int
    before: str = ""
    after: str = ""


class Diff(BaseModel):
    """What a version has that its parent had not, and the other way round."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    examples: list[Difference] = []

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed)

    def note(self, what: str, difference: Difference) -> None:
        """Count one row, and keep it where it is among the first of its sort."""
        count = getattr(self, what) + 1
        setattr(self, what, count)
        if count <= ROWS_SHOWN:
            self.examples.append(difference)

    def sentence(self) -> str:
        """“1 row changed, 2 removed”."""
        counts = [(self.changed, "changed"), (self.removed, "removed"), (self.added, "added")]
        told = [f"{count:,} {what}" for count, what in counts if count]
        if not told:
            return "nothing changed"
        number, _, rest = told[0].partition(" ")
        return ", ".join([f"{number} {'row' if number == '1' else 'rows'} {rest}", *told[1:]])


class Fix(StrEnum):
    """What one button mends."""

    DROP_ERRORS = "drop-errors"
    DEDUPLICATE = "deduplicate"
    MOVE_LEAKED = "move-leaked"
