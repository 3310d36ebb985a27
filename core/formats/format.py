"""What a format is: how its rows are known, and how one becomes ours."""

from collections.abc import Callable
from dataclasses import dataclass

from storage.rows import Content, Kind


@dataclass(frozen=True, slots=True)
class Format:
    """`matches` looks at one raw row; `convert` returns ours or raises RowProblem."""

    name: str
    label: str
    kind: Kind
    explanation: str
    example: Content
    matches: Callable[[Content], bool]
    convert: Callable[[Content], Content]
    #: The keys that `convert` reads; every other column is ignored, and the report says so.
    columns: frozenset[str]
