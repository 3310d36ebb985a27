"""Values as exports write them: moments, thumbs, and texts in parts."""

import math
from datetime import UTC, datetime
from typing import Any

_UP = {"thumbs_up", "thumbsup", "up", "good", "positive", "like", "liked", "helpful", "true", "yes", "correct"}
_DOWN = {"thumbs_down", "thumbsdown", "down", "bad", "negative", "dislike", "disliked", "unhelpful", "false", "no"}
#: 9999-12-31 in seconds; larger numbers are milliseconds or nanoseconds.
_LATEST_S = 253_402_300_799


def moment(value: object) -> datetime | None:
    """Seconds, milliseconds or nanoseconds since 1970, or ISO 8601; without a zone it is UTC."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            found = datetime.fromisoformat(value.strip())
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            seconds = float(value)
            while seconds > _LATEST_S:
                seconds /= 1000
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        pass  # a damaged date costs the date, not the conversation
    return None


def rating_of(value: object) -> int:
    """1, -1, or 0 where it is no thumb. Numbers are read on a scale from 0 (or -1) to 1; others could mean anything."""
    if isinstance(value, bool):
        return 1 if value else -1
    if isinstance(value, int | float):
        if math.isnan(value) or not -1 <= value <= 1 or value == 0.5:
            return 0
        return 1 if value > 0.5 else -1
    if isinstance(value, str):
        word = value.strip().lower().replace("-", "_").replace(" ", "_")
        return 1 if word in _UP else -1 if word in _DOWN else 0
    return 0


def text_parts(value: object, separator: str = "\n\n") -> str:
    """A content's text: itself, or its text parts; images, calls and thoughts are no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return ""
    return separator.join(text for part in value if (text := _part(part)))


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and part.get("type", "text") in ("text", "input_text", "output_text"):
        return part["text"] if isinstance(part.get("text"), str) else ""
    return ""


def at(value: Any, *path: str) -> Any:
    """What lies under these keys; None where one of them is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
