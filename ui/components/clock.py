"""Moments in the words of the machine's own time zone."""

from datetime import datetime


def full_date(moment: datetime) -> str:
    """Saturday, 3 January 2026, 14:05."""
    local = moment.astimezone()
    return f"{local:%A}, {local.day} {local:%B %Y, %H:%M}"


def short_date(moment: datetime) -> str:
    """3 Jan 2026."""
    local = moment.astimezone()
    return f"{local.day} {local:%b %Y}"


def time_of_day(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
