"""The members of a multi grader: their names, their forms, and the formula that puts them together."""

from collections.abc import Callable

from nicegui import ui

from ui.components.button import Button
from ui.components.grader_draft import GraderDraft, Place
from ui.components.grader_words import single_titles
from ui.components.text import Text, box
from ui.texts import said, say

FORMULA_HELP = "Over the names above, for example 0.8 * right + 0.2 * brief; + - * / ^ min max abs sqrt log"
NAME_RULE = "Letters, digits and _ only, and no digit first: the formula uses the name."


class GraderMembers:
    """`show_fields` draws a member's own fields; `show_again` draws everything anew."""

    def __init__(
        self, draft: GraderDraft, show_fields: Callable[[Callable[[], Place]], None], show_again: Callable[[], None]
    ) -> None:
        self._draft = draft
        self._show_again = show_again
        self.entries: list[ui.input] = []
        for at in range(len(draft.members())):
            with box("ts-member", "section", label=say("Grader {number}", number=at + 1)):
                self._head(at)
                show_fields(self._where(at))
        Button("Add a grader", self._add, icon="plus").mark("add-grader")
        self._formula()

    def _where(self, at: int) -> Callable[[], Place]:
        return lambda: ("graders", self._draft.members()[at])

    def _head(self, at: int) -> None:
        name = self._draft.members()[at]
        with box("ts-member-head"):
            with box("ts-field"):
                Text("label", "Name", "ts-label").props["for"] = f"grader-name-{at}"
                entry = ui.input(
                    value=name,
                    on_change=lambda event: self._draft.rename_member(at, event.value or ""),
                    validation=lambda value: self._name_problem(at, value or ""),
                )
                entry.props(f"outlined dense for=grader-name-{at} spellcheck=false")
                self.entries.append(entry.classes("ts-input ts-mono").mark(f"grader-name-{at}"))
            with box("ts-field"):
                Text("label", "Form", "ts-label").props["for"] = f"grader-form-{at}"
                kind = self._draft.get(("graders", name, "type"))
                known = kind if kind in single_titles() else None
                form = ui.select(
                    said(single_titles()), value=known, on_change=lambda event: self._change(at, event.value)
                )
                form.props(f"outlined dense for=grader-form-{at} popup-content-class=ts-menu")
                form.classes("ts-input").mark(f"grader-form-{at}")
            remove = Button(
                icon="trash",
                on_click=lambda: self._remove(at),
                kind="ghost",
                label=say("Remove grader {number}", number=at + 1),
            )
            remove.mark(f"remove-grader-{at}").set_enabled(len(self._draft.members()) > 1)

    def _formula(self) -> None:
        with box("ts-field"):
            Text("label", "Formula", "ts-label").props["for"] = "grader-formula"
            entry = ui.input(
                value=self._draft.get(("calculate_output",)) or "",
                on_change=lambda event: self._draft.set(("calculate_output",), event.value or ""),
                validation=lambda _: self._draft.problem(("calculate_output",)),
            )
            entry.props("outlined dense for=grader-formula aria-describedby=grader-formula-help spellcheck=false")
            self.entries.append(entry.classes("ts-input ts-mono").mark("grader-formula"))
            Text("p", FORMULA_HELP, "ts-help").props["id"] = "grader-formula-help"

    def _name_problem(self, at: int, name: str) -> str | None:
        names = self._draft.members()
        if name in names and names.index(name) != at:
            return say("Another grader is called “{name}”.", name=name)
        return NAME_RULE if self._draft.problem(("graders", name)) else None

    def _change(self, at: int, kind: str) -> None:
        self._draft.change_member(at, kind)
        self._show_again()

    def _add(self) -> None:
        self._draft.add_member()
        self._show_again()

    def _remove(self, at: int) -> None:
        self._draft.remove_member(at)
        self._show_again()
