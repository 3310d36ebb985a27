"""Folders of this machine from which files may be taken without an upload. None unless somebody configured them."""

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

VARIABLE = "TUNESMITH_IMPORT_ROOTS"
MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder as a page lists it."""

    path: Path
    is_folder: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Roots:
    """Every path is resolved before it is judged, so neither `..` nor a symlink leads outside."""

    folders: tuple[Path, ...]

    @classmethod
    def configured(cls) -> "Roots":
        """TUNESMITH_IMPORT_ROOTS: absolute folders, separated as in PATH. What is not a folder is left out."""
        named = (Path(name) for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name)
        return cls(tuple(path.resolve() for path in named if path.is_absolute() and path.is_dir()))

    def file(self, asked: Path | str) -> Path:
        """The file itself. Raises BadInput where it lies outside, or is none."""
        found = self._inside(asked)
        if not found.is_file():
            raise BadInput("There is no file {asked}. Choose one from the list.", asked=asked)
        return found

    def folder(self, asked: Path | str) -> Path:
        """The folder itself. Raises BadInput where it lies outside, or is none."""
        found = self._inside(asked)
        if not found.is_dir():
            raise BadInput("There is no folder {asked}. Name one that holds a model.", asked=asked)
        return found

    def holds(self, real: Path) -> bool:
        """Whether a path, its links resolved, may be read."""
        return any(real.is_relative_to(root) for root in self.folders)

    def list(self, asked: Path | str | None = None) -> list[Entry]:
        """What is in a folder, folders first; the roots themselves where none is asked for."""
        if asked is None:
            return [Entry(root, True, 0) for root in self.folders]
        folder = self._inside(asked)
        if not folder.is_dir():
            raise BadInput("There is no folder {asked}. Choose one from the list.", asked=asked)
        entries = []
        for path in sorted(folder.iterdir())[:MOST_ENTRIES]:
            real = path.resolve()
            if not path.name.startswith(".") and self.holds(real) and (real.is_dir() or real.is_file()):
                entries.append(Entry(path, real.is_dir(), real.stat().st_size if real.is_file() else 0))
        return sorted(entries, key=lambda entry: not entry.is_folder)

    def _inside(self, asked: Path | str) -> Path:
        text = str(asked)
        if not self.folders:
            raise BadInput(
                "Nothing may be read from this machine's folders yet. Name some in {variable} and restart.",
                variable=VARIABLE,
            )
        if "\0" in text or not Path(text).is_absolute():
            raise BadInput("“{asked!r}” is not an absolute path. Choose one from the list.", asked=text[:200])
        real = Path(text).resolve()
        if not self.holds(real):
            shown = ", ".join(map(str, self.folders))
            raise BadInput(
                "{asked} lies outside the folders that may be read ({shown}).", asked=text[:200], shown=shown
            )
        return real
