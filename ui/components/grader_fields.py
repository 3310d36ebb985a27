"""The fields of one grader, generated from its form in `storage.graders`: titles, help and choices stand there."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args, get_origin

from nicegui import ui
from pydantic.fields import FieldInfo

from ui.components.grader_draft import GraderDraft, Place
from ui.components.grader_words import model_of
from ui.components.spec_form import number
from ui.components.text import Text, box
from ui.texts import say

#: Written in a fixed-width face.
CODE = ("source", "pattern", "json_schema", "sampling_params")
MESSAGE_TITLES = {"system": "Instructions", "developer": "Instructions", "user": "Question"}

Where = Callable[[], Place]


class GraderFields:
    """`where` says the grader's place now; `on_focus` gets a way to insert text into the field that has the focus."""

    def __init__(
        self, draft: GraderDraft, where: Where, on_focus: Callable[[Callable[[str], None]], None], *, is_locked: bool
    ) -> None:
        self._draft = draft
        self._where = where
        self._on_focus = on_focus
        self._is_locked = is_locked
        self.entries: list[ui.input | ui.textarea] = []
        with box("ts-grader-fields"):
            for name, field in model_of(str(draft.get((*where(), "type")))).model_fields.items():
                if name not in ("type", "name"):
                    self._field(name, field)

    def _field(self, name: str, field: FieldInfo) -> None:
        annotation = field.annotation
        if get_origin(annotation) is Literal:
            self._choice(name, field, [str(value) for value in get_args(annotation)])
        elif name == "range":
            for at, title in enumerate(("Lowest Score", "Highest Score")):
                self._number(name, title, field.description or "", at)
        elif name == "input" and annotation is not str:
            self._messages()
        elif annotation in (int, float):
            self._number(name, field.title or name, field.description or "")
        else:
            is_json = name in ("json_schema", "sampling_params")
            self._text((name,), field.title or name, field.description or "", is_json=is_json)

    def _anchor(self, *keys: str) -> str:
        return "-".join(("grader", *self._where(), *keys))

    def _choice(self, name: str, field: FieldInfo, options: list[str]) -> None:
        anchor = self._anchor(name)
        chosen = self._draft.get((*self._where(), name))
        with box("ts-field"):
            Text("label", field.title or name, "ts-label").props["for"] = anchor
            entry = ui.select(
                options,
                value=chosen if chosen in options else None,
                on_change=lambda event: self._draft.set((*self._where(), name), event.value),
            )
            entry.props(f"outlined dense for={anchor} popup-content-class=ts-menu aria-describedby={anchor}-help")
            entry.classes("ts-input").mark(anchor)
            Text("p", field.description or "", "ts-help").props["id"] = f"{anchor}-help"

    def _number(self, name: str, title: str, text: str, at: int | None = None) -> None:
        anchor = self._anchor(name, *([] if at is None else [str(at)]))
        with box("ts-field"):
            Text("label", title, "ts-label").props["for"] = anchor
            entry = ui.input(
                value=_shown(self._value(name, at)),
                on_change=lambda event: self._set_number(name, at, event.value or ""),
                validation=lambda _: self._problem(name, *([] if at is None else [str(at)])),
            )
            entry.props(f"outlined dense type=number step=any for={anchor} aria-describedby={anchor}-help")
            entry.classes("ts-input").mark(anchor)
            Text("p", text, "ts-help").props["id"] = f"{anchor}-help"
        self.entries.append(entry)

    def _value(self, name: str, at: int | None) -> Any:
        value = self._draft.get((*self._where(), name))
        if at is None:
            return value
        return value[at] if isinstance(value, list) and at < len(value) else ""

    def _set_number(self, name: str, at: int | None, text: str) -> None:
        value = _number(text)
        if at is not None:
            found = self._draft.get((*self._where(), name))
            pair = [*found] if isinstance(found, list) and len(found) == 2 else [0, 1]
            pair[at] = value
            value = pair
        self._draft.set((*self._where(), name), value)

    def _messages(self) -> None:
        """Roles come with the grader; other ones are written in the JSON view."""
        messages = self._draft.get((*self._where(), "input"))
        for at, message in enumerate(messages if isinstance(messages, list) else []):
            if not isinstance(message, dict):
                continue
            title = MESSAGE_TITLES.get(str(message.get("role")), "Message")
            self._area(
                self._anchor("input", str(at)),
                title,
                "The last number of what the model says is the score",
                str(message.get("content", "")),
                partial(self._set_message, at),
                lambda: self._problem("input"),
            )

    def _set_message(self, at: int, text: str) -> None:
        messages = list(self._draft.get((*self._where(), "input")))
        messages[at] = {**messages[at], "content": text}
        self._draft.set((*self._where(), "input"), messages)

    def _text(self, place: Place, title: str, text: str, *, is_json: bool) -> None:
        def take(value: str) -> None:
            self._draft.set((*self._where(), *place), _object(value) if is_json else value)

        value = self._draft.get((*self._where(), *place))
        shown = json.dumps(value, indent=2, ensure_ascii=False) if is_json and not isinstance(value, str) else value
        self._area(self._anchor(*place), title, text, str(shown or ""), take, lambda: self._problem(*place))

    def _area(
        self,
        anchor: str,
        title: str,
        text: str,
        value: str,
        take: Callable[[str], None],
        problem: Callable[[], str | None],
    ) -> None:
        is_code = anchor.endswith(CODE)
        with box("ts-field ts-field-wide" if is_code else "ts-field"):
            Text("label", title, "ts-label").props["for"] = anchor
            entry = ui.textarea(
                value=value, on_change=lambda event: take(event.value or ""), validation=lambda _: problem()
            )
            entry.props(f"outlined dense autogrow spellcheck=false for={anchor} aria-describedby={anchor}-help")
            entry.classes("ts-input ts-mono" if is_code else "ts-input").mark(anchor)
            entry.on("focus", lambda: self._on_focus(partial(_insert, entry)), [])
            if self._is_locked:
                entry.props("readonly")
            Text("p", text, "ts-help").props["id"] = f"{anchor}-help"
        self.entries.append(entry)

    def _problem(self, *place: str) -> str | None:
        sentence = self._draft.problem((*self._where(), *place))
        return say("This field {problem}", problem=sentence) if sentence else None


def _insert(entry: ui.textarea, text: str) -> None:
    entry.value = f"{entry.value or ''}{text}"


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else str(value or "")


def _number(text: str) -> Any:
    """What cannot be read stays as it was typed, and is told."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
