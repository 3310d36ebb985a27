"""Rows by hand: pairs in a form, or JSON lines in one field."""

import json
from collections.abc import Callable
from typing import Any

from nicegui import ui

from storage.rows import Kind
from ui.components.button import Button
from ui.components.text import Text, box, heading
from ui.kinds import UPLOADS
from ui.texts import say

#: A larger message would be dropped by the websocket without a word; files have no such limit.
MOST_CHARACTERS = 900_000
FIRST_PAIRS = 3
#: What the form asks for, and the keys of the row that it makes.
FIELDS = {
    Kind.SUPERVISED: (("INPUT", "prompt"), ("OUTPUT", "completion")),
    Kind.PREFERENCE: (("INPUT", "prompt"), ("CHOSEN", "chosen"), ("REJECTED", "rejected")),
    Kind.REINFORCEMENT: (("INPUT", "prompt"), ("ITEM (reference answer)", "reference_answer")),
}


class PasteRows:
    """`on_rows` gets the rows as JSONL."""

    def __init__(self, kind: Kind, on_rows: Callable[[bytes], Any]) -> None:
        self._kind = kind
        self._on_rows = on_rows
        self._pairs: list[dict[str, ui.textarea]] = []
        with box("ts-card ts-paste", "section", label="Paste rows"):
            with box("ts-segments", label="How to write rows").props("role=group"):
                self._segments = {name: self._segment(name) for name in ("JSON lines", "One by one")}
            with box("ts-field") as self._lines:
                Text("label", "Rows, one JSON object a line", "ts-label").props["for"] = "pasted-rows"
                self._text = ui.textarea().props(
                    f"outlined for=pasted-rows maxlength={MOST_CHARACTERS} spellcheck=false"
                )
                self._text.props["placeholder"] = json.dumps(json.loads(UPLOADS[kind].example), ensure_ascii=False)
                self._text.classes("ts-input ts-area ts-mono").mark("pasted")
            with box("ts-stretch") as self._form:
                self._list = box("ts-stretch ts-written")
                Button("Add another", self._add_pair, icon="plus").mark("add-pair")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("paste-problem")
            self._problem.visible = False
            with box("ts-step-foot"):
                Button("Check the rows", self._take, kind="primary").mark("check-rows")
        for _ in range(FIRST_PAIRS):
            self._add_pair()
        self._choose("JSON lines")

    def _segment(self, name: str) -> Text:
        button = Text("button", name, "ts-segment").props("type=button")
        button.on("click", lambda: self._choose(name), [])
        return button

    def _choose(self, name: str) -> None:
        self._lines.visible = name == "JSON lines"
        self._form.visible = not self._lines.visible
        for title, segment in self._segments.items():
            segment.props["aria-pressed"] = "true" if title == name else "false"

    def _add_pair(self) -> None:
        number = len(self._pairs) + 1
        with self._list, box("ts-written-row", label=say("Example {number}", number=number)).props("role=group"):
            heading(say("Example {number}", number=number), 3)
            fields = {key: self._field(number, title, key) for title, key in FIELDS[self._kind]}
        self._pairs.append(fields)

    def _field(self, number: int, title: str, key: str) -> ui.textarea:
        with box("ts-field"):
            Text("label", title, "ts-tag").props["for"] = f"written-{number}-{key}"
            area = ui.textarea().props(f"outlined autogrow for=written-{number}-{key}")
        return area.classes("ts-input").mark(f"written-{number}-{key}")

    async def _take(self) -> None:
        rows = (self._text.value or "").strip() if self._lines.visible else self._written()
        self._problem.visible = not rows
        self._problem.text = "" if rows else "There is nothing to check yet. Write at least 10 examples."
        if rows:
            await self._on_rows(rows.encode("utf-8", "surrogatepass") + b"\n")

    def _written(self) -> str:
        """One JSON object for every example that has any text."""
        rows = ({key: area.value or "" for key, area in fields.items()} for fields in self._pairs)
        return "\n".join(
            json.dumps(self._row(row), ensure_ascii=False) for row in rows if any(map(str.strip, row.values()))
        )

    def _row(self, row: dict[str, str]) -> dict[str, Any]:
        if self._kind is not Kind.REINFORCEMENT:
            return row
        return {"messages": [{"role": "user", "content": row["prompt"]}], "reference_answer": row["reference_answer"]}
