"""A dataset in a model's tokens: counted by a child process with the model's tokenizer and template, and kept.

The web process reads what the child has written; it loads no tokenizer.
"""

import struct
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.checks.codes import CODES
from core.checks.findings import read_findings
from core.checks.report import CodeCount
from core.child import Child, Examined
from core.errors import BadInput
from core.formats.problems import Finding, Level
from core.home import Home
from storage.child_process import Json
from storage.files import read_json
from storage.spec import DatasetRef, ModelRef
from storage.token_folder import BY_LENGTH, CACHE, LARGEST_EMPTY_SHARE, key_of, report_of

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "TRANSFORMERS_VERBOSITY": "error",
    "USE_HUB_KERNELS": "0",
}
SPANS_S = 60.0


class Histogram(BaseModel):
    """`counts[i]` rows have between `edges[i]` and `edges[i + 1]` tokens."""

    model_config = ConfigDict(frozen=True)
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class TokenReport(BaseModel):
    """Tokens a row, template included. `learned` counts those that the loss sees within the context."""

    model_config = ConfigDict(frozen=True)
    rows: int
    context: int
    tokens: int
    learned: int
    p50: int
    p95: int
    p99: int
    max: int
    truncated_tokens: int
    histogram: Histogram
    codes: dict[str, CodeCount] = {}

    def count(self, code: str) -> int:
        return self.codes[code].count if code in self.codes else 0

    def objection(self) -> str:
        """Why a job would be refused, as a sentence with figures and the fix; empty where it would not."""
        for code, found in self.codes.items():
            known = CODES.get(code)
            if code != "trains_nothing" and known and known.level is Level.ERROR:
                return f"{found.count:,} of {self.rows:,} rows cannot be trained on: {known.title}. {known.fix}"
        empty = self.count("trains_nothing")
        if empty > self.rows * LARGEST_EMPTY_SHARE:
            return (
                f"{empty:,} of {self.rows:,} rows would train nothing within {self.context:,} tokens; at most "
                f"{LARGEST_EMPTY_SHARE:.0%} may. {CODES['trains_nothing'].fix}"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a row's text; `cut`: beyond the context, so the model never sees it."""

    text: str
    trained: bool
    cut: bool
    tokens: int


@dataclass(frozen=True, slots=True)
class RowTokens:
    """One sequence, for a preference pair two; or why there is none."""

    sequences: tuple[tuple[Piece, ...], ...]
    refused: str = ""
    detail: str = ""

    @classmethod
    def of(cls, found: Json) -> "RowTokens":
        sequences = tuple(tuple(Piece(**piece) for piece in sequence) for sequence in found["sequences"])
        return cls(sequences, str(found["refused"]), str(found["detail"]))


class Examination(Examined):
    """One count of one dataset for one model. All its methods may block: not for the event loop."""

    def __init__(self, dataset: DatasetRef, model: ModelRef, context: int, cache: Path) -> None:
        super().__init__()
        self._request: Json = {
            "dataset": dataset.model_dump(mode="json"),
            "model": model.model_dump(mode="json"),
            "context": context,
            "cache": str(cache),
        }
        self._folder = cache / key_of(dataset.sha256, dataset.kind, Path(model.path), model.chat_template)
        self._report = report_of(cache, self._folder.name, dataset.id, context)

    def known(self) -> TokenReport | None:
        """The report, where it has been made; nothing is started."""
        try:
            return TokenReport.model_validate(read_json(self._report))
        except ValidationError:
            return None

    def start(self) -> None:
        """Unless it runs or is known."""
        if not self.is_running and self.known() is None:
            self._child = Child("training.examine", self._request, ENVIRONMENT)

    def result(self, timeout_s: float | None = None) -> TokenReport:
        """Waits. Raises ChildFailed with the reason."""
        known = self.known()
        if known:
            return known
        if self._child is None:
            self.start()
        assert self._child
        return TokenReport.model_validate(self._child.result(timeout_s))

    def spans(self, row: int) -> RowTokens:
        """What of this row is learned: decoded from the tokens that train."""
        return RowTokens.of(self._shown(f"Row {row} was", row=row))

    def first_rows(self, count: int) -> list[RowTokens]:
        """The same for the dataset's first rows, all by one child process."""
        return [RowTokens.of(found) for found in self._shown("The rows were", first_rows=count)["rows"]]

    def _shown(self, what: str, **asked: int) -> Json:
        child = Child("training.examine", {**self._request, **asked}, ENVIRONMENT)
        try:
            return child.result(SPANS_S)
        except subprocess.TimeoutExpired:
            child.cancel()
            raise BadInput(
                "{what} not shown within {seconds:.0f} s. The model's chat template may never end.",
                what=what,
                seconds=SPANS_S,
            ) from None

    def rows_by_length(self, start: int, count: int, *, longest: bool = True) -> list[int]:
        """Row numbers; needs a finished examination, else none."""
        try:
            with (self._folder / BY_LENGTH).open("rb") as file:
                total = file.seek(0, 2) // 4
                count = max(0, min(count, total - start))
                file.seek(4 * (start if longest else total - start - count))
                found = list(struct.unpack(f"<{count}I", file.read(4 * count)))
        except FileNotFoundError:
            return []
        return found if longest else found[::-1]

    def findings(self) -> Iterator[Finding]:
        """Of every row that is too long, trains nothing or is refused by the template; by row."""
        return read_findings(self._report.with_suffix(".jsonl"))


class TokenCounts:
    """The studio's examinations: two pages that ask for the same share one."""

    def __init__(self, home: Home) -> None:
        self._cache = home.path / CACHE
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str, str, int], Examination] = {}

    def of(self, dataset: DatasetRef, model: ModelRef, context: int) -> Examination:
        key = (dataset.id, dataset.sha256, model.path, model.chat_template, context)
        with self._lock:
            self._made = {key: made for key, made in self._made.items() if made.is_running}
            if key not in self._made:
                self._made[key] = Examination(dataset, model, context, self._cache)
            return self._made[key]

    def stop(self) -> None:
        for made in self._made.values():
            made.cancel()


def objection(dataset: DatasetRef, model: ModelRef, context: int, home: Home) -> str:
    """What an examination has found against training on it; empty where none was made or nothing was found."""
    known = Examination(dataset, model, context, home.path / CACHE).known()
    return known.objection() if known else ""
