"""A closer look at a version: near-duplicates, leaks, personal data and secrets, found by a child process."""

import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from core.checks.deep_report import DEEP, DEEP_FINDINGS, SUSPECT, SUSPICION, DeepReport
from core.checks.findings import read_findings
from core.child import Child, Examined
from core.formats.problems import Finding
from storage.files import read_json


class CloserLook(Examined):
    """At the version in `folder`; leaks are looked for where `evaluation` is given. Its methods may block."""

    def __init__(self, folder: Path, evaluation: Path | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._evaluation = evaluation

    def known(self) -> DeepReport | None:
        """What was found before, for the same evaluation (any, where none was given now)."""
        try:
            found = DeepReport.model_validate(read_json(self._folder / DEEP))
        except ValidationError:
            return None
        wanted = self._evaluation.name if self._evaluation else found.evaluation
        return found if found.evaluation == wanted else None

    def start(self) -> None:
        """Unless it runs. What was found before is replaced when this look is done."""
        if not self.is_running:
            evaluation = str(self._evaluation) if self._evaluation else None
            self._child = Child("core.checks.closer", {"folder": str(self._folder), "evaluation": evaluation})

    def result(self, timeout_s: float | None = None) -> DeepReport:
        """Waits. Raises ChildFailed with the reason."""
        if self._child is None:
            self.start()
        assert self._child
        return DeepReport.model_validate(self._child.result(timeout_s))

    def findings(self) -> Iterator[Finding]:
        """All of the last look, by row."""
        return read_findings(self._folder / DEEP_FINDINGS)

    def most_suspicious(self, start: int, count: int) -> list[tuple[int, float]]:
        """(row number, score), the most suspicious first; a page costs the same wherever it begins."""
        try:
            with (self._folder / SUSPICION).open("rb") as file:
                file.seek(start * SUSPECT.size)
                found = file.read(count * SUSPECT.size)
        except FileNotFoundError:
            return []
        return [(int(row), float(score)) for row, score in SUSPECT.iter_unpack(found)]


class CloserLooks:
    """The studio's looks: a page that comes back finds the one it began."""

    def __init__(self) -> None:
        self._looks: dict[Path, CloserLook] = {}
        self._lock = threading.Lock()

    def begin(self, folder: Path, evaluation: Path | None = None) -> CloserLook:
        """Start one, unless one at this version is under way."""
        with self._lock:
            known = self._looks.get(folder)
            if known and known.is_running:
                return known
            self._looks = {path: look for path, look in self._looks.items() if look.is_running}
            look = self._looks[folder] = CloserLook(folder, evaluation)
            look.start()
            return look

    def running(self, folder: Path) -> CloserLook | None:
        look = self._looks.get(folder)
        return look if look and look.is_running else None

    def stop(self) -> None:
        for look in self._looks.values():
            look.cancel()
