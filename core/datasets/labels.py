"""What people call a dataset: name, description, tags, visibility. Shown in many places, so cleaned in one."""

import unicodedata
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from storage.tables import Visibility

NAME_CHARACTERS = 120
TAG_CHARACTERS = 40
MOST_TAGS = 20


def clean(text: str) -> str:
    """One line without control characters, and without marks that turn the reading direction around."""
    plain = unicodedata.normalize("NFC", text)
    return " ".join("".join(mark if _is_shown(mark) else " " for mark in plain).split())


def clean_lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.splitlines()).strip()


def tags_of(tags: list[str]) -> list[str]:
    cleaned = (clean(tag)[:TAG_CHARACTERS] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


class Labels(BaseModel):
    """What is None stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=NAME_CHARACTERS)] | None = None
    description: Annotated[str, AfterValidator(clean_lines), Field(max_length=4000)] | None = None
    tags: Annotated[list[str], AfterValidator(tags_of), Field(max_length=MOST_TAGS)] | None = None
    visibility: Visibility | None = None


def file_title(path: Path) -> str:
    """A name for what was in `customer_support.jsonl.gz`."""
    stem = path.name.split(".")[0] or path.stem
    return clean(stem.replace("_", " "))[:NAME_CHARACTERS] or "Dataset"


def _is_shown(mark: str) -> bool:
    return unicodedata.category(mark)[0] != "C" or mark == "\u200d"  # the joiner inside emoji and Indic scripts
