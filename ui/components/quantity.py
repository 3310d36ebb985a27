"""Numbers as people read them: sizes and counts."""

from ui.texts import say


def size_of(count: int) -> str:
    """Bytes as “2.3 MB”."""
    size, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


#: What is counted, as it is said.
UNITS = {
    "adapters": "{count:,} adapter | {count:,} adapters",
    "answers": "{count:,} answer | {count:,} answers",
    "conversations": "{count:,} conversation | {count:,} conversations",
    "examples": "{count:,} example | {count:,} examples",
    "jobs": "{count:,} job | {count:,} jobs",
    "pairs": "{count:,} pair | {count:,} pairs",
    "points": "{count:,} point | {count:,} points",
    "prompts": "{count:,} prompt | {count:,} prompts",
    "rows": "{count:,} row | {count:,} rows",
    "texts": "{count:,} text | {count:,} texts",
    "tokens": "{count:,} token | {count:,} tokens",
}


def counted(count: int, unit: str) -> str:
    """“1 pair”, “1,200 pairs”; `unit` is one of `UNITS`."""
    return say(UNITS[unit], count=count)


def duration(seconds: float) -> str:
    """“40 s”, “12 min”, “3 h 20 min”: as exactly as an estimate deserves."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 10 else f"{hours:,} h"
