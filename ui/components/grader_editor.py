"""The grader editor: a form and its fields, the same as JSON or YAML, and the dataset's columns to click in."""

from collections.abc import Callable
from functools import partial

from nicegui import ui

from core.errors import BadInput
from core.grading import reading
from graders.allowance import SWITCHED_OFF, is_python_allowed
from ui.components.grader_draft import GraderDraft
from ui.components.grader_fields import GraderFields
from ui.components.grader_members import GraderMembers
from ui.components.grader_words import FORMS, single_titles
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box, icon
from ui.texts import say

VIEWS = ("Fields", "JSON", "YAML")
#: Of an example beside a column's name.
SHOWN = 40


class GraderEditor:
    def __init__(self, form: SpecForm) -> None:
        self._draft = GraderDraft(form)
        self._view = "Fields"
        self._insert: Callable[[str], None] | None = None
        self._fields: list[GraderFields] = []
        self._names: list[ui.input] = []
        with box("ts-grader-head"):
            with box("ts-field"):
                Text("label", "Grader", "ts-label").props["for"] = "grader-form"
                titles = {kind: say(form.title) for kind, form in FORMS.items()}
                self._form = ui.select(titles, value=self._draft.kind or None, on_change=self._choose)
                self._form.props("outlined dense for=grader-form popup-content-class=ts-menu")
                self._form.props["placeholder"] = say("Choose what scores an answer")
                self._form.classes("ts-input").mark("grader-form")
            with box("ts-segments", label="How to write the grader").props("role=group"):
                self._segments = {view: self._segment(view) for view in VIEWS}
        self._about = Text("p", "", "ts-help")
        self._body = box("ts-stretch")
        self._columns = box("ts-columns-known", label="Columns of the dataset").props("role=group")
        self._problem = Text("p", "", "ts-error").props("role=alert").mark("grader-problem")
        self._show()

    def check(self) -> bool:
        """Marks every field that cannot be sent."""
        if self._draft.content is None:
            self._complain("Choose a grader: it scores the model's answers.")
            return False
        problems = self._draft.problems()
        self._complain("" if self._view == "Fields" else " ".join(problems))
        marked = [entry.validate() for fields in self._fields for entry in fields.entries]
        marked += [name.validate() for name in self._names]
        if problems and all(marked):  # what no field of ours shows
            self._complain(" ".join(problems))
        return not problems

    def offer(self, item: dict[str, object]) -> None:
        """The columns of the chosen dataset, with the first row's values."""
        self._columns.clear()
        self._columns.visible = bool(item)
        with self._columns:
            Text("span", "Columns of this dataset:", "ts-help")
            for name, value in item.items():
                chip = Text("button", f"item.{name}", "ts-way ts-column-chip").props("type=button")
                shown = str(value)
                chip.props["title"] = say(
                    "First row: {shown}{more}", shown=shown[:SHOWN], more="…" if len(shown) > SHOWN else ""
                )
                chip.on("click", partial(self._click_in, name), []).mark(f"column-{name}")

    def _segment(self, view: str) -> Text:
        button = Text("button", view, "ts-segment").props("type=button").mark(f"grader-view-{view}")
        button.on("click", lambda: self._look(view), [])
        return button

    def _choose(self) -> None:
        if self._form.value and self._form.value != self._draft.kind:
            self._draft.choose(self._form.value)
            self._show()

    def _look(self, view: str) -> None:
        self._view = view
        self._show()

    def _show(self) -> None:
        """Everything anew, from the draft."""
        kind = self._draft.kind
        if kind in FORMS and self._form.value != kind:
            self._form.value = kind
        self._about.text = FORMS[kind].text if kind in FORMS else "What scores each answer, 0 to 1 as a rule."
        self._complain("")
        self._insert, self._fields, self._names = None, [], []
        for view, segment in self._segments.items():
            segment.props["aria-pressed"] = "true" if view == self._view else "false"
        self._body.clear()
        with self._body:
            if self._draft.content is None:
                return
            if self._view != "Fields":
                self._text()
            elif kind == "multi":
                members = GraderMembers(self._draft, self._single, self._show)
                self._names = members.entries
            elif kind in FORMS:
                self._single(lambda: ())
            else:
                self._complain("There is no such grader; see it as JSON.")

    def _single(self, where: Callable[[], tuple[str, ...]]) -> None:
        kind = self._draft.get((*where(), "type"))
        if kind not in single_titles():
            Text("p", "There is no such form of grader; choose one, or see it as JSON.", "ts-error")
            return
        is_locked = kind == "python" and not is_python_allowed()
        if is_locked:
            with box("ts-locked").props("role=note"):
                icon("alert")
                Text("p", SWITCHED_OFF)
        self._fields.append(GraderFields(self._draft, where, self._focus, is_locked=is_locked))

    def _text(self) -> None:
        with box("ts-field"):
            Text("label", say("The grader as {form}", form=self._view), "ts-label").props["for"] = "grader-text"
            shown = reading.as_text(self._draft.content or {}, is_yaml=self._view == "YAML")
            area = ui.textarea(value=shown, on_change=lambda event: self._read(event.value or ""))
            area.props("outlined for=grader-text spellcheck=false debounce=300")
            area.classes("ts-input ts-area ts-mono").mark("grader-text")

    def _read(self, text: str) -> None:
        try:
            content = reading.content_of(text)
        except BadInput as error:
            self._complain(say("{error} What was there before stays.", error=error))
            return
        self._draft.set((), content)
        self._complain(" ".join(self._draft.problems()))

    def _focus(self, insert: Callable[[str], None]) -> None:
        self._insert = insert

    def _click_in(self, column: str) -> None:
        """Into the field that had the focus last; else into an empty reference."""
        template = f"{{{{ item.{column} }}}}"
        if self._insert:
            self._insert(template)
            return
        if self._view == "Fields" and self._draft.get(("reference",)) == "":
            self._draft.set(("reference",), template)
            self._show()
        else:
            ui.notify(say("Click into a field first; then {column} goes there.", column=template))

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)
