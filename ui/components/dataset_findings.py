"""What was found in a version, by code: how grave, what to do, which rows; and the buttons that mend it."""

from collections.abc import Callable
from functools import partial

from nicegui import ui

from core.checks.codes import CODES
from core.checks.report import Report
from core.datasets.changes import ERRORS, Fix
from core.datasets.closer import CloserLook
from core.datasets.preview import pair_of
from core.datasets.verdicts import FindingPage, finding_page, level_of
from core.formats.problems import Level
from core.people import Actor
from core.studio import Studio
from storage.rows import Row, Rows
from storage.tables import Dataset
from ui import routes
from ui.components.button import Button
from ui.components.closer_look import CloserLookCard
from ui.components.empty_state import empty_state
from ui.components.example import clipped, example
from ui.components.new_version import go_to_version
from ui.components.quantity import counted
from ui.components.text import Text, box, heading, link
from ui.texts import say
from ui.threads import in_thread

PAGE_FINDINGS = 50
ROWS_PREVIEWED = 5
COPY, LEAK = "duplicate", "leak_into_eval"
MakeVersion = Callable[[Actor], Dataset]


class DatasetFindings:
    """`await start(code, page)` with what the address says."""

    def __init__(self, studio: Studio, dataset: Dataset) -> None:
        self._studio = studio
        self._dataset = dataset
        self._version = studio.datasets.folder(dataset.id)

    async def start(self, code: str, page: str) -> None:
        report = await in_thread(Report.read, self._version)
        closer = await in_thread(CloserLook(self._version).known)
        actor = await in_thread(self._studio.people.actor)
        others = await in_thread(self._studio.datasets.all, actor=actor)
        fitting = {
            other.id: say("{name} · version {version}", name=other.name, version=other.version)
            for other in others
            if other.kind is self._dataset.kind and other.id != self._dataset.id
        }
        CloserLookCard(self._studio, self._dataset, closer, fitting)
        for note in report.notes:
            Text("p", f"{note.text}{say(' (line {line})', line=note.line) if note.line else ''}", "ts-note")
        counts = {found: count.count for known in (report, closer) if known for found, count in known.codes.items()}
        if not counts:
            empty_state("Nothing was found", "Every row is what its kind asks for.", symbol="check")
            return
        self._fixes(counts, closer.evaluation if closer else "")
        for found in sorted(counts, key=lambda name: (level_of(name) is not Level.ERROR, -counts[name])):
            self._code(found, counts[found], is_open=found == code)
        if code in counts:
            number = min(max(int(page), 1), 1_000_000) if page.isascii() and page.isdecimal() else 1
            await self._listed(code, number)

    def _fixes(self, counts: dict[str, int], evaluation: str) -> None:
        with box("ts-actions"):
            if ERRORS & set(counts):
                title = say(
                    "Drop {count:,} row with errors | Drop {count:,} rows with errors", count=self._dataset.errors
                )
                self._fix_button(title, sorted(ERRORS & set(counts)), partial(self._fix, Fix.DROP_ERRORS)).mark(
                    "drop-errors"
                )
            if COPY in counts:
                title = say("Remove {count:,} copy | Remove {count:,} copies", count=counts[COPY])
                self._fix_button(title, [COPY], partial(self._fix, Fix.DEDUPLICATE)).mark("deduplicate")

            if LEAK in counts and evaluation:
                title = say(
                    "Leave {count:,} row to the evaluation dataset | Leave {count:,} rows to the evaluation dataset",
                    count=counts[LEAK],
                )
                move = partial(self._fix, Fix.MOVE_LEAKED, evaluation=evaluation)
                self._fix_button(title, [LEAK], move).mark("move-leaked")

    def _fix(self, fix: Fix, actor: Actor, evaluation: str = "") -> Dataset:
        return self._studio.versions.fix(self._dataset.id, fix, actor=actor, evaluation=evaluation)

    def _drop(self, code: str, actor: Actor) -> Dataset:
        return self._studio.versions.drop(self._dataset.id, frozenset({code}), actor=actor)

    def _fix_button(self, title: str, codes: list[str], make: MakeVersion) -> Button:
        return Button(title, partial(self._preview, title, codes, make), icon="trash")

    async def _preview(self, title: str, codes: list[str], make: MakeVersion) -> None:
        """What would go, before it goes."""
        rows = await in_thread(self._doomed, codes)
        with ui.dialog() as dialog, box("ts-dialog ts-dialog-row"):
            dialog.props["aria-label"] = say(title)
            heading(title, 2)
            text = say(
                "Version {version} stays as it is; a new version without these rows is made.",
                version=self._dataset.version,
            )
            Text("p", text, "ts-muted")
            with box("ts-diff"):
                for row in rows:
                    with box("ts-diff-row ts-diff-gone"):
                        Text("span", say("− Row {number:,}", number=row.number + 1), "ts-tag")
                        example(pair_of(row, self._dataset.kind), self._dataset.kind)
            if len(rows) == ROWS_PREVIEWED:
                Text("p", say("These are the first {count}.", count=ROWS_PREVIEWED), "ts-muted")
            with box("ts-dialog-foot"):
                Button("Keep them", dialog.close)
                Button("Make the new version", lambda: go_to_version(self._studio, make), kind="primary").mark(
                    "confirm-fix"
                )
        dialog.open()

    def _doomed(self, codes: list[str]) -> list[Row]:
        pages = [finding_page(self._version, code=code, count=ROWS_PREVIEWED) for code in codes]
        numbers = sorted({finding.row for page in pages for finding in page.findings})[:ROWS_PREVIEWED]
        return list(Rows(self._version).at(numbers))

    def _code(self, code: str, count: int, *, is_open: bool) -> None:
        known = CODES.get(code)
        is_error = level_of(code) is Level.ERROR
        with box("ts-card ts-code-card", "section").classes("ts-code-open" if is_open else ""):
            with box("ts-row-head"):
                Text("span", "Error" if is_error else "Warning", f"ts-badge ts-badge-{'red' if is_error else 'amber'}")
                with box("ts-code-title", "h2"):
                    link(known.title if known else code, self._address(code), "ts-link")
                Text("span", counted(count, "rows"), "ts-muted")
                Text("span", code, "ts-id ts-push")
                Button(
                    "Drop these rows",
                    partial(
                        self._preview,
                        say("Drop rows: {title}", title=known.title if known else code),
                        [code],
                        partial(self._drop, code),
                    ),
                    kind="ghost",
                )
            Text("p", known.fix if known else "", "ts-muted")

    async def _listed(self, code: str, number: int) -> None:
        """The rows that have it, a page at a time."""
        start = (number - 1) * PAGE_FINDINGS
        found: FindingPage = await in_thread(finding_page, self._version, code=code, start=start, count=PAGE_FINDINGS)
        with box("ts-card", "section") as card:
            card.props["aria-label"] = say("Rows")
            with box("ts-finding-list", "ul"):
                for finding in found.findings:
                    with box("ts-finding", "li"):
                        href = routes.dataset(self._dataset.id, tab="rows", row=str(finding.row + 1))
                        link(say("Row {number:,}", number=finding.row + 1), href)
                        Text("span", say("line {line:,}", line=finding.line) if finding.line else "", "ts-muted")
                        Text("span", clipped(finding.detail)[:400])
            if found.total > PAGE_FINDINGS:
                with box("ts-pager", "nav", label="Pages"):
                    shown = say(
                        "{first:,}–{last:,} of {total:,}",
                        first=start + 1,
                        last=start + len(found.findings),
                        total=found.total,
                    )
                    Text("span", shown, "ts-muted")
                    previous = Button("Previous", lambda: ui.navigate.to(self._address(code, number - 1)))
                    previous.set_enabled(number > 1)
                    following = Button("Next", lambda: ui.navigate.to(self._address(code, number + 1)))
                    following.set_enabled(start + PAGE_FINDINGS < found.total)

    def _address(self, code: str, page: int = 1) -> str:
        return routes.dataset(self._dataset.id, tab="findings", code=code, page=str(page) if page > 1 else "")
