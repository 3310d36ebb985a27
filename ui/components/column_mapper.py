"""Which column is what: asked where a file is none of the known formats, or where a person knows better."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from core.datasets.looking import convert_sample
from core.formats.inspection import Inspection, Sample
from core.formats.options import IGNORE, ITEM, Mapping
from storage.rows import Kind
from ui.components.example import clipped
from ui.components.text import Text, box, heading

WORDS = {
    IGNORE: "Not used",
    "prompt": "INPUT (prompt, question)",
    "completion": "OUTPUT (completion, answer)",
    "system": "System (context, instructions)",
    "messages": "Messages (a whole conversation)",
    "chosen": "CHOSEN (preferred answer)",
    "rejected": "REJECTED (worse answer)",
    "label": "Label (wanted or not)",
    "text": "Plain text",
    "tools": "Tools (JSON)",
    ITEM: "ITEM (for graders)",
}
SAMPLE_CHARACTERS = 160


class ColumnMapper:
    """`on_change` gets the mapping and the sample rows read through it, or None while it is not complete."""

    def __init__(
        self, found: Inspection, wanted: Kind, on_change: Callable[[Mapping | None, Sequence[Sample]], None]
    ) -> None:
        self._samples = found.samples
        self._on_change = on_change
        self._roles = proposed_roles(found, wanted)
        with box("ts-mapper", "section", label="Map the columns").mark("mapper"):
            heading("What is in which column?", 3)
            for number, column in enumerate(self._roles):
                self._row(number, column)
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("mapping-problem")
        self.show()

    def show(self) -> None:
        """Read the samples through what is chosen now."""
        try:
            mapping = Mapping(roles={column: role for column, role in self._roles.items() if role != IGNORE})
        except ValidationError as error:
            said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            self._problem.text = f"{said[:1].upper()}{said[1:]}."
            self._problem.visible = True
            self._on_change(None, ())
            return
        self._problem.visible = False
        self._on_change(mapping, [convert_sample(sample, mapping) for sample in self._samples])

    def _row(self, number: int, column: str) -> None:
        with box("ts-mapper-row"):
            with box("ts-mapper-column"):
                Text("label", column, "ts-label").props["for"] = f"column-{number}"
                Text("p", self._sample_of(column), "ts-help ts-clip")
            chosen = ui.select(
                WORDS, value=_option(self._roles[column]), on_change=lambda event: self._choose(column, event)
            )
            chosen.props(f"outlined dense options-dense for=column-{number} popup-content-class=ts-menu")
            chosen.classes("ts-input").mark(f"column-{column}")

    def _choose(self, column: str, event: Any) -> None:
        self._roles[column] = f"{ITEM}{column}" if event.value == ITEM else str(event.value)
        self.show()

    def _sample_of(self, column: str) -> str:
        values = (sample.raw.content.get(column) for sample in self._samples)
        return next((clipped(str(value))[:SAMPLE_CHARACTERS] for value in values if value not in (None, "")), "empty")


def proposed_roles(found: Inspection, wanted: Kind) -> dict[str, str]:
    """What detection proposes. Where graded prompts are wanted, an answer is what graders compare with."""
    proposed = found.mapping.roles if found.mapping else {}
    roles = {column: proposed.get(column, IGNORE) for column in found.columns}
    if wanted is Kind.REINFORCEMENT and "prompt" in roles.values():
        roles = {column: f"{ITEM}{column}" if role == "completion" else role for column, role in roles.items()}
    return roles


def _option(role: str) -> str:
    return ITEM if role.startswith(ITEM) else role
