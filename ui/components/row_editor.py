"""A row mended by hand: its texts in fields, or all of it as JSON. Saving makes a new version."""

import json
from collections.abc import Iterator
from typing import Any

from nicegui import ui

from core.checks.codes import CODES
from core.checks.structure import check
from core.datasets.canonical import canonical, pasted
from core.datasets.changes import Change
from core.errors import BadInput
from core.studio import Studio
from storage.rows import Content, Row
from storage.tables import Dataset
from ui.components.button import Button
from ui.components.new_version import make_version
from ui.components.text import Text, aria, box, heading
from ui.texts import say

#: A larger message would be dropped by the websocket without a word.
MOST_CHARACTERS = 900_000

#: (where it stands in the row, what it is called)
Field = tuple[tuple[str | int, ...], str]


class RowEditor:
    def __init__(self, studio: Studio, dataset: Dataset, row: Row) -> None:
        self._studio = studio
        self._dataset = dataset
        self._row = row
        self._content: Content = json.loads(json.dumps(row.content))
        self._is_built = False
        with ui.dialog() as self._dialog, box("ts-dialog ts-dialog-row") as self._box:
            self._dialog.props["aria-label"] = say("Edit row {number:,}", number=row.number + 1)

    def open(self) -> None:
        """Built on first use: a page has twenty rows, and most are never opened."""
        if not self._is_built:
            self._is_built = True
            with self._box:
                self._build()
        self._dialog.open()

    def _build(self) -> None:
        heading(say("Edit row {number:,}", number=self._row.number + 1), 2)
        Text("p", "Saving makes a new version; this one stays as it is.", "ts-muted")
        with box("ts-row-fields") as self._area:
            if self._row.is_broken:
                self._as_json(str(self._row.content["broken"]))
            else:
                self._fields()
        self._found = box("ts-stretch").mark("row-problems")
        with box("ts-dialog-foot"):
            Button("Cancel", self._dialog.close)
            Button("Check", self._check).mark("check-row")
            Button("Save as a new version", self._save, kind="primary").mark("save-row")

    def _fields(self) -> None:
        self._texts: dict[tuple[str | int, ...], ui.textarea] = {}
        for number, (path, title) in enumerate(_fields(self._content)):
            with box("ts-field"):
                Text("label", title, "ts-tag").props["for"] = f"row-{self._row.number}-{number}"
                area = ui.textarea(value=str(_get(self._content, path) or "")).props("outlined autogrow")
                area.props(f"for=row-{self._row.number}-{number} maxlength={MOST_CHARACTERS}").classes("ts-input")
                self._texts[path] = area.mark(f"field-{number}")
        self._json: ui.textarea | None = None
        Button("Edit as JSON", self._turn_to_json, kind="ghost").mark("edit-json")

    def _turn_to_json(self) -> None:
        shown = json.dumps(self._edited(), ensure_ascii=False, indent=2)
        self._area.clear()
        with self._area:
            self._as_json(shown)

    def _as_json(self, text: str) -> None:
        self._texts = {}
        self._json = ui.textarea(value=text).props(f"outlined spellcheck=false maxlength={MOST_CHARACTERS}")
        self._json.props(aria("The row as JSON")).classes("ts-input ts-area ts-mono").mark("row-json")

    def _edited(self) -> Content:
        """Raises BadInput where the JSON is none."""
        if self._json is not None:
            try:
                value = json.loads(self._json.value or "")
            except (ValueError, RecursionError) as error:
                raise BadInput(say("That is not JSON: {error}.", error=error)) from error
            if not isinstance(value, dict):
                raise BadInput('Write the row as one object: {"key": value}.')
            return value
        content: Content = json.loads(json.dumps(self._content))
        for path, area in self._texts.items():
            if (area.value or "") != (_get(content, path) or ""):  # a null beside tool calls stays null
                _set(content, path, area.value or "")
        return content

    def _check(self) -> bool:
        """Show what is wrong; whether nothing is."""
        self._found.clear()
        try:
            verdicts = check(canonical(self._edited(), self._dataset.kind), self._dataset.kind)
        except BadInput as error:
            verdicts = [("", str(error))]
        with self._found:
            for code, detail in verdicts:
                known = CODES.get(code)
                said = f"{known.title}. {detail} {known.fix}" if known else detail
                Text("p", said, "ts-error").props("role=alert")
            if not verdicts:
                Text("p", "Nothing is wrong with this row.", "ts-muted").props("role=status")
        return not verdicts or bool(verdicts[0][0])

    async def _save(self) -> None:
        """A row that has findings may be saved; one that is no row of this kind may not."""
        if self._check():
            content = canonical(self._edited(), self._dataset.kind)
            change = Change(replace={self._row.number: content})
            await make_version(self._studio, self._dataset, change, row=self._row.number)


def add_rows_dialog(studio: Studio, dataset: Dataset) -> ui.dialog:
    """New rows at the end, as JSON lines in any format of the dataset's kind."""

    async def save() -> None:
        try:
            rows = pasted(text.value or "", dataset.kind)
        except BadInput as error:
            problem.text = str(error)
            return
        await make_version(studio, dataset, Change(insert={dataset.rows: rows}), row=dataset.rows)

    with ui.dialog() as dialog, box("ts-dialog ts-dialog-row"):
        dialog.props(aria("Add rows"))
        heading("Add rows", 2)
        Text("p", "One JSON object a line. A new version with these rows at its end is made.", "ts-muted")
        text = ui.textarea().props(f"outlined spellcheck=false maxlength={MOST_CHARACTERS}").props(aria("New rows"))
        text.classes("ts-input ts-area ts-mono").mark("new-rows")
        problem = Text("p", "", "ts-error").props("role=alert")
        with box("ts-dialog-foot"):
            Button("Cancel", dialog.close)
            Button("Save as a new version", save, kind="primary").mark("save-rows")
    return dialog


def _fields(content: Content) -> Iterator[Field]:
    """Every text that can be edited without JSON."""
    for part in ("messages", "prompt", "chosen", "rejected", "completion"):
        for number, message in enumerate(content.get(part, ())):
            title = (
                str(message.get("role", "")) if part in ("messages", "prompt") else f"{part} {message.get('role', '')}"
            )
            yield (part, number, "content"), title
    if "text" in content:
        yield ("text",), "text"
    for name, value in content.get("item", {}).items():
        if isinstance(value, str):
            yield ("item", name), f"item.{name}"


def _get(content: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def _set(content: Any, path: tuple[str | int, ...], value: str) -> None:
    _get(content, path[:-1])[path[-1]] = value
