"""Moments inside file names: UTC, sorted by name as by time, never twice the same."""

from datetime import UTC, datetime

_FORMAT = "%Y%m%d-%H%M%S-%f"
PATTERN = r"\d{8}-\d{6}-\d{6}"


def stamp() -> str:
    return datetime.now(UTC).strftime(_FORMAT)


def moment(text: str) -> datetime | None:
    """The moment that a stamp names; None where the text is none."""
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
