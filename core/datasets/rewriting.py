"""From one version's rows to the next one's, in a process of its own: `python -m core.datasets.rewriting`.

Rows stream; only what changed, and what had a finding, is looked at again. Copies are looked for anew: without its
first copy a row is none any more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from core.checks.deep_report import DEEP_FINDINGS
from core.checks.findings import read_findings
from core.checks.report import Report
from core.checks.structure import Verdict, check, texts
from core.datasets.canonical import canonical
from core.datasets.changes import CHARACTERS_SHOWN, DIFF, Change, Diff, Difference
from core.datasets.child import Told, serve
from core.datasets.version_writer import VersionWriter
from core.errors import BadInput
from core.formats.problems import Finding
from storage.files import write_atomic
from storage.rows import Content, Rows, encode, row_id

COPY = "duplicate"
#: Rows without findings are copied in runs of at most so many.
RUN = 1000
#: How many rows pass between two words about the progress.
TELL_EVERY = 20_000


@dataclass(slots=True)
class _Copying:
    """Consecutive rows in which nothing was found, on their way into the new version."""

    writer: VersionWriter
    first_line: int = 0
    rows: list[bytes] = field(default_factory=list)

    def add(self, encoded: bytes, line: int) -> None:
        if self.rows and (line != self.first_line + len(self.rows) or len(self.rows) == RUN):
            self.flush()
        if not self.rows:
            self.first_line = line
        self.rows.append(encoded)

    def flush(self) -> None:
        if self.rows:
            text = b"\n".join(self.rows) + b"\n"
            self.writer.add_checked(text, self.rows, self.first_line, 0)
            self.rows = []


class Rewrite:
    """One change of one version. `run` writes rows, findings, report and difference into an empty folder."""

    def __init__(self, parent: Path, change: Change) -> None:
        self._parent = parent
        self._rows = Rows(parent)
        self._change = change
        self._before = Report.read(parent)
        self._diff = Diff()
        self._characters = self._before.characters

    def run(self, into: Path, on_progress: Callable[[int, int], None]) -> tuple[Report, Diff]:
        self._check_numbers()
        writer = VersionWriter(into, self._before.kind)
        copying = _Copying(writer)
        doomed, away = self._flagged(), self._elsewhere()
        findings = _by_row(read_findings(self._parent))
        found = next(findings, None)
        total = len(self._rows)
        for number, (line, encoded) in enumerate(self._rows.encoded()):
            verdicts: list[Verdict] = []
            if found and found[0].row == number:
                verdicts = [(finding.code, finding.detail) for finding in found if finding.code != COPY]
                found = next(findings, None)
            if number in self._change.insert:
                copying.flush()
                self._insert(writer, number)
            if number in doomed or number in self._change.delete or (away and row_id(encoded) in away):
                self._drop(number, line, encoded)
            elif number in self._change.replace:
                copying.flush()
                self._replace(writer, number, line, encoded)
            elif verdicts:
                copying.flush()
                self._keep(writer, line, encoded, verdicts)
            else:
                copying.add(encoded, line)
            if number % TELL_EVERY == 0:
                on_progress(number, total)
        copying.flush()
        if total in self._change.insert:
            self._insert(writer, total)
        return self._finish(writer, into, lambda: on_progress(total, total))

    def _finish(self, writer: VersionWriter, into: Path, on_progress: Callable[[], None]) -> tuple[Report, Diff]:
        writer.characters = self._characters
        before = self._before
        about = {"container": before.container, "encoding": before.encoding}
        report = writer.finish(before.format, about, before.columns, before.notes, on_progress)
        write_atomic(into / DIFF, self._diff.model_dump_json(indent=1).encode())
        return report, self._diff

    def _check_numbers(self) -> None:
        change, last = self._change, len(self._rows) - 1
        wrong = [number for number in (*change.replace, *change.delete) if not 0 <= number <= last]
        wrong += [number for number in change.insert if not 0 <= number <= last + 1]
        if wrong:
            raise BadInput(
                "There is no row {number}; the version has {count:,} rows. Load the page again.",
                number=wrong[0] + 1,
                count=last + 1,
            )

    def _flagged(self) -> set[int]:
        """Rows with a finding that is to be dropped, of the first look and of the closer one."""
        if not self._change.drop:
            return set()
        files = (self._parent, self._parent / DEEP_FINDINGS)
        return {found.row for file in files for found in read_findings(file) if found.code in self._change.drop}

    def _elsewhere(self) -> set[str]:
        other = self._change.leave_to
        return {row_id(encoded) for _, encoded in Rows(other).encoded()} if other else set()

    def _drop(self, number: int, line: int, encoded: bytes) -> None:
        self._characters -= _characters(orjson.loads(encoded))
        self._diff.note("removed", Difference(row=number, line=line, before=_shown(encoded)))

    def _keep(self, writer: VersionWriter, line: int, encoded: bytes, verdicts: list[Verdict]) -> None:
        content = orjson.loads(encoded)
        if "broken" in content:
            writer.add_broken(content["broken"], line, *verdicts[0])
            return
        again = {code for code, _ in check(content, self._before.kind)}
        writer.add(content, line, [verdict for verdict in verdicts if verdict[0] not in again])

    def _replace(self, writer: VersionWriter, number: int, line: int, encoded: bytes) -> None:
        content = canonical(self._change.replace[number], self._before.kind)
        after = encode(content)
        if after != encoded:
            self._characters += _characters(content) - _characters(orjson.loads(encoded))
            self._diff.note("changed", Difference(row=number, line=line, before=_shown(encoded), after=_shown(after)))
        writer.add(content, line)

    def _insert(self, writer: VersionWriter, number: int) -> None:
        for given in self._change.insert[number]:
            content = canonical(given, self._before.kind)
            self._characters += _characters(content)
            # It stands in no file, so it has no line there.
            self._diff.note("added", Difference(row=writer.rows, line=0, after=_shown(encode(content))))
            writer.add(content, 0)


def _by_row(findings: Iterator[Finding]) -> Iterator[list[Finding]]:
    row: list[Finding] = []
    for finding in findings:
        if row and row[0].row != finding.row:
            yield row
            row = []
        row.append(finding)
    if row:
        yield row


def _characters(content: Content) -> int:
    return 0 if "broken" in content else sum(map(len, texts(content)))


def _shown(encoded: bytes) -> str:
    return encoded[: 4 * CHARACTERS_SHOWN].decode(errors="ignore")[:CHARACTERS_SHOWN]


def _work(request: Told, say: Callable[[Told], None]) -> Told:
    rewrite = Rewrite(Path(request["parent"]), Change.model_validate(request["change"]))
    report, diff = rewrite.run(Path(request["into"]), lambda done, total: say({"done": done, "total": total}))
    return {"report": report.model_dump(mode="json"), "diff": diff.model_dump(mode="json")}


if __name__ == "__main__":
    serve(_work)
