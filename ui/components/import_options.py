"""What the examples shall be: the form of `ImportOptions`, checked on the server."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from core.conversations.options import ImportOptions, Liked, Result, System
from core.errors import explain
from ui.components.text import Text, box, heading
from ui.texts import said, say

RESULTS = {
    Result.CONVERSATIONS: "A whole conversation",
    Result.ANSWERS: "One answer, with what went before it",
    Result.PAIRS: "A liked and a disliked answer (preference)",
    Result.RATED: "A rated answer, liked or not (KTO)",
}
SYSTEMS = {System.KEEP: "Keep as it is", System.DROP: "Leave out", System.REPLACE: "Replace"}
LIKED = {
    Liked.ALL: "All answers",
    Liked.NOT_DISLIKED: "All but thumbs down",
    Liked.ONLY_LIKED: "Only thumbs up",
}


class ImportOptionsForm:
    """`options` is None while something typed makes no sense; the form then says what."""

    def __init__(self, on_change: Callable[[], Awaitable[None]]) -> None:
        self._on_change = on_change
        self._content: dict[str, Any] = {}
        self.options: ImportOptions | None = ImportOptions()
        with box("ts-card ts-import-options", "section", label="Examples"):
            heading("Examples", 2)
            self._select("result", "One example is", RESULTS, Result.CONVERSATIONS)
            self._of_answers = box("ts-stretch")
            with self._of_answers:
                self._number("context_messages", "Earlier messages as context", 20, "At most; the system prompt stays.")
            self._liked = box("ts-stretch")
            with self._liked:
                self._select("liked", "Learn from", LIKED, Liked.ALL)
            self._select("system", "System prompt", SYSTEMS, System.KEEP)
            self._system_text = box("ts-stretch")
            with self._system_text:
                self._text("system_text", "The system prompt of every example", "")
            self._number("minimum_characters", "Shortest answer, in characters", 1, "Shorter ones are not learned.")
            with box("ts-field ts-check"):
                mark = ui.checkbox(say("Anonymise"), on_change=lambda event: self._set("anonymise", bool(event.value)))
                mark.props("dense").classes("ts-checkbox").mark("anonymise")
                Text(
                    "p",
                    "Addresses, phone and card numbers, IPs and keys become placeholders like [EMAIL_1].",
                    "ts-help",
                )
            self._names = box("ts-stretch")
            with self._names:
                self._text("names", "Names to replace too", "One a line, such as Anna Berg. Others are not found.")
            with box("ts-expected", "details"):
                Text("summary", "Leave out by words")
                with box("ts-import-words"):
                    help_text = "One phrase a line. They stay as context, but are not learned."
                    self._text("drop_answers_with", "Answers with", help_text)
                    self._text("drop_conversations_with", "Conversations with", "One phrase a line.")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("options-problem")
        self._follow()

    def _select(self, name: str, title: str, options: dict[Any, str], value: str) -> None:
        with box("ts-field"):
            Text("label", title, "ts-label").props["for"] = f"import-{name}"
            entry = ui.select(said(options), value=value, on_change=lambda event: self._set(name, event.value))
            entry.props(f"outlined dense for=import-{name} popup-content-class=ts-menu").classes("ts-input").mark(name)

    def _number(self, name: str, title: str, value: int, help_text: str) -> None:
        with box("ts-field"):
            Text("label", title, "ts-label").props["for"] = f"import-{name}"
            entry = ui.input(value=str(value), on_change=lambda event: self._set(name, event.value or ""))
            entry.props(f"outlined dense type=number min=1 debounce=300 for=import-{name}").classes("ts-input")
            entry.mark(name)
            Text("p", help_text, "ts-help")

    def _text(self, name: str, title: str, help_text: str) -> None:
        with box("ts-field"):
            Text("label", title, "ts-label").props["for"] = f"import-{name}"
            entry = ui.textarea(on_change=lambda event: self._set(name, event.value or ""))
            entry.props(f"outlined dense rows=2 autogrow debounce=400 for=import-{name}").classes("ts-input").mark(name)
            if help_text:
                Text("p", help_text, "ts-help")

    async def _set(self, name: str, value: Any) -> None:
        if name in ("names", "drop_answers_with", "drop_conversations_with"):
            value = tuple(line.strip() for line in re.split(r"\n", value) if line.strip())
        self._content[name] = value
        self._follow()
        await self._on_change()

    def _follow(self) -> None:
        try:
            self.options, said = ImportOptions.model_validate(self._content), ""
        except ValidationError as error:
            self.options, said = None, explain(error)
        self._problem.text, self._problem.visible = said, bool(said)
        result = self._content.get("result", Result.CONVERSATIONS)
        self._of_answers.visible = result != Result.CONVERSATIONS
        self._liked.visible = result in (Result.CONVERSATIONS, Result.ANSWERS)
        self._system_text.visible = self._content.get("system") == System.REPLACE
        self._names.visible = bool(self._content.get("anonymise"))
