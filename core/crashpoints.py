"""Named points at which a test can end the server as a power cut would. Outside of tests they cost one comparison.

TUNESMITH_CRASH_AT names the point. `tests/faults` runs through all of POINTS, so a new one without a test cannot be.
"""

import os

POINTS = (
    "submit: folder without row",
    "launch: claimed",
    "launch: attempt folder written",
    "launch: spawned",
    "finish: exit seen",
    "finish: interrupted, not requeued",
    "cancel: first rung taken",
    "migrate: backed up",
    "migrate: statement",
    "migrate: committed",
)


def reach(point: str, number: int | None = None) -> None:
    """Points that are passed several times have a number: TUNESMITH_CRASH_AT="migrate: statement 7"."""
    assert point in POINTS, point
    if os.environ.get("TUNESMITH_CRASH_AT") == (point if number is None else f"{point} {number}"):
        os._exit(99)
