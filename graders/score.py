"""What a grader says of one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class GraderError(Exception):
    """This answer could not be scored; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is None where the answer could not be scored; `parts` are the scores of a multi grader's members.

    `is_endless`: a program was ended for taking too long; whoever only tries a grader need not wait again.
    """

    value: float | None
    parts: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    is_endless: bool = False
