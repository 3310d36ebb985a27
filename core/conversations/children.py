"""Reading an export and making examples, each in a process of its own: the web process parses neither."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.conversations.anonymise import Change
from core.conversations.making import Made, OnMade
from core.conversations.options import ImportOptions
from core.conversations.reading import OnProgress, Progress
from core.conversations.store import Overview
from core.datasets import child

_CHILD = "core.conversations.child"


def read_in_child(path: Path, into: Path, name: str, on_progress: OnProgress = lambda _: None) -> Overview:
    """`core.conversations.reading.read_export` in a process of its own; what `on_progress` raises ends it."""
    request = {"do": "read", "path": str(path.absolute()), "store": str(into.absolute()), "name": name}
    return Overview(**child.run(_CHILD, request, on_progress=lambda told: on_progress(Progress(**told))))


def make_in_child(
    store: Path,
    numbers: Sequence[int] | None,
    options: ImportOptions,
    into: Path | None = None,
    on_made: OnMade = lambda _: None,
) -> Made:
    """`core.conversations.making.make` in a process of its own; what `on_made` raises ends it."""
    request = {
        "do": "make",
        "store": str(store.absolute()),
        "numbers": None if numbers is None else list(numbers),
        "options": options.model_dump(mode="json"),
        "into": str(into.absolute()) if into else "",
    }
    return _made(child.run(_CHILD, request, on_progress=lambda told: on_made(_made(told["made"]))))


def _made(told: dict[str, Any]) -> Made:
    return Made(**told | {"changes": [Change(**change) for change in told["changes"]]})
