"""The rows of a version: paged by number, longest or most suspicious first; mended, added and deleted by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from core.checks.codes import CODES
from core.datasets import ordering
from core.datasets.changes import Change
from core.datasets.ordering import Order
from core.datasets.preview import pair_of
from core.datasets.verdicts import findings_of, level_of
from core.formats.problems import Finding, Level
from core.studio import Studio
from storage.rows import Row, Rows
from storage.tables import Dataset
from ui import routes
from ui.components.button import Button
from ui.components.confirm import confirm
from ui.components.empty_state import empty_state
from ui.components.example import conversation, example
from ui.components.new_version import make_version
from ui.components.row_editor import RowEditor, add_rows_dialog
from ui.components.text import Text, aria, box, link
from ui.texts import say
from ui.threads import in_thread

PAGE_ROWS = 20
ORDERS = {
    Order.AS_IT_IS: "In the file's order",
    Order.LONGEST: "Longest first",
    Order.SHORTEST: "Shortest first",
    Order.SUSPICIOUS: "Most suspicious first",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One page: `first` counts from 0 in the chosen order."""

    rows: Sequence[Row]
    findings: Mapping[int, Sequence[Finding]]
    first: int
    total: int


class DatasetRows:
    """`await start(…)` with what the address says."""

    def __init__(self, studio: Studio, dataset: Dataset) -> None:
        self._studio = studio
        self._dataset = dataset
        self._chosen: set[int] = set()

    async def start(self, order: str, row: str) -> None:
        self._order = Order(order) if order in set(Order) else Order.AS_IT_IS
        wanted = int(row) - 1 if row.isascii() and row.isdecimal() and len(row) < 12 else 0
        version = self._studio.datasets.folder(self._dataset.id)
        shown = await in_thread(_look, version, self._order, max(0, wanted))
        self._controls(shown)
        with box("ts-rows"):
            for found in shown.rows:
                self._row(found, shown.findings.get(found.number, ()))
        if not shown.rows:
            empty_state("No such rows", "Nothing was found in any row.", symbol="check")
        self._pager(shown)

    def _controls(self, shown: Shown) -> None:
        with box("ts-filters"):
            chosen = ui.select(
                {str(order): say(title) for order, title in ORDERS.items()},
                value=str(self._order),
                on_change=lambda event: self._go(order=str(event.value)),
            )
            chosen.props("outlined dense options-dense popup-content-class=ts-menu").props(aria("Order"))
            chosen.classes("ts-input ts-order").mark("order")
            jump = ui.input(placeholder=say("Go to row")).props("outlined dense type=number min=1")
            jump.props["aria-label"] = say("Go to row")
            jump.classes("ts-input ts-jump").mark("jump")
            jump.on("keydown.enter", lambda: self._go(row=jump.value or ""), [])
            with box("ts-actions ts-push"):
                self._delete = Button("Delete selected", self._ask_delete, icon="trash").mark("delete-rows")
                Button("Add rows", add_rows_dialog(self._studio, self._dataset).open, icon="plus").mark("add-rows")
        self._delete.visible = False

    def _row(self, row: Row, findings: Sequence[Finding]) -> None:
        with box("ts-card ts-row-card", "article") as card:
            card.props["aria-label"] = say("Row {number:,}", number=row.number + 1)
            with box("ts-row-head"):
                mark = ui.checkbox(on_change=partial(self._choose, row.number)).props("dense").classes("ts-checkbox")
                mark.props["aria-label"] = say("Select row {number:,}", number=row.number + 1)
                Text("span", say("Row {number:,}", number=row.number + 1), "ts-strong")
                if row.line and row.line != row.number + 1:
                    Text("span", say("line {line:,} of the file", line=row.line), "ts-muted")
                for finding in findings:
                    self._badge(finding)
                dialog = RowEditor(self._studio, self._dataset, row)
                edit = Button(
                    icon="edit",
                    on_click=dialog.open,
                    kind="ghost",
                    label=say("Edit row {number:,}", number=row.number + 1),
                )
                edit.classes("ts-push").mark(f"edit-{row.number + 1}")
            example(pair_of(row, self._dataset.kind), self._dataset.kind)
            if not row.is_broken:
                with box("ts-expected", "details"):
                    Text("summary", "The whole row")
                    with box("ts-conversation"):
                        conversation(row.content)

    def _badge(self, finding: Finding) -> None:
        known = CODES.get(finding.code)
        tone = "red" if level_of(finding.code) is Level.ERROR else "amber"
        href = routes.dataset(self._dataset.id, tab="findings", code=finding.code)
        badge = link(known.title if known else finding.code, href, f"ts-badge ts-badge-{tone}")
        badge.props["title"] = say(f"{finding.detail} {known.fix if known else ''}".strip())

    def _choose(self, number: int, event: ValueChangeEventArguments[bool]) -> None:
        (self._chosen.add if event.value else self._chosen.discard)(number)
        self._delete.visible = bool(self._chosen)
        self._delete.text = say("Delete {count:,} selected", count=len(self._chosen))

    def _ask_delete(self) -> None:
        change = Change(delete=frozenset(self._chosen))
        confirm(
            say("Delete {count:,} row? | Delete {count:,} rows?", count=len(self._chosen)),
            say(
                "Version {version} stays as it is; a new version without these rows is made.",
                version=self._dataset.version,
            ),
            yes="Make the new version",
            no="Keep them",
            on_yes=lambda: make_version(self._studio, self._dataset, change),
        ).open()

    def _pager(self, shown: Shown) -> None:
        last = shown.first + len(shown.rows)
        if shown.total <= PAGE_ROWS:
            return
        with box("ts-pager", "nav", label="Pages"):
            Text(
                "span",
                say("{first:,}–{last:,} of {total:,}", first=shown.first + 1, last=last, total=shown.total),
                "ts-muted",
            ).props("role=status").mark("range")
            for text, first in (("Previous", shown.first - PAGE_ROWS), ("Next", last)):
                button = Button(text, partial(self._go, row=str(max(0, first) + 1)))
                button.set_enabled(0 <= first < shown.total or (first < 0 < shown.first))

    def _go(self, **changes: str) -> None:
        state = {"tab": "rows", "order": str(self._order), **changes}
        ui.navigate.to(routes.dataset(self._dataset.id, **state))


def _look(version: Path, order: Order, first: int) -> Shown:
    total = ordering.count(version, order)
    first = min(first, max(0, total - 1))
    numbers = ordering.page(version, order, first, PAGE_ROWS)
    rows = list(Rows(version).at(numbers))
    found = {number: findings_of(version, range(number, number + 1)).get(number, ()) for number in numbers}
    return Shown(rows, found, first, total)
