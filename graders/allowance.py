"""Python graders are strangers' programs: they run only where whoever administers the machine has allowed them."""

import os

from storage.graders import Grader, Multi, Python, ScoreModel

ALLOW_VARIABLE = "TUNESMITH_ALLOW_PYTHON_GRADERS"
SWITCHED_OFF = (
    f"Python graders are switched off here. An administrator can allow them with {ALLOW_VARIABLE}=1 in the server's "
    "environment; every other grader works without."
)


def is_python_allowed() -> bool:
    return os.environ.get(ALLOW_VARIABLE) == "1"


def runs_python(grader: Grader) -> bool:
    """Itself or one of its members."""
    return any(isinstance(member, Python) for member in members(grader))


def asks_model(grader: Grader) -> bool:
    return any(isinstance(member, ScoreModel) for member in members(grader))


def members(grader: Grader) -> tuple[Grader, ...]:
    """A multi grader's own; else the grader itself."""
    return tuple(grader.graders.values()) if isinstance(grader, Multi) else (grader,)
