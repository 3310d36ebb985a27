"""One collapsible step of the wizard: a numbered circle, a title, and what was chosen while it is closed."""

from collections.abc import Callable

from nicegui import ui

from ui.components.text import Text, box, icon
from ui.texts import say


class WizardStep:
    """`with step.body: …` fills it."""

    def __init__(self, number: int, title: str, description: str, on_open: Callable[[int], None]) -> None:
        self._number = number
        with box("ts-step", "section") as self._section:
            self._section.props["aria-label"] = say(title)
            with (
                ui.element("h2").classes("ts-step-heading"),
                ui.element("button").classes("ts-step-head") as self._head,
            ):
                self._head.props(f"type=button aria-controls=step-body-{number}").mark(f"step-{number}")
                self._head.on("click", lambda: on_open(number), [])
                with box("ts-step-circle", "span"):
                    Text("span", str(number), "ts-step-number")
                    icon("check")
                with box("ts-step-titles", "span"):
                    Text("span", title, "ts-step-title")
                    self._summary = Text("span", "", "ts-step-summary")
                icon("chevron-down")
            self.body = box("ts-step-body").props(f"id=step-body-{number}")
            if description:
                with self.body:
                    Text("p", description, "ts-muted")

    def focus(self) -> None:
        """The button that had the focus is hidden now; the keyboard goes on here."""
        ui.run_javascript(f"tsFocus(getHtmlElement({self._head.id}))")

    def show(self, *, is_open: bool, is_done: bool, summary: str) -> None:
        self.body.visible = is_open
        self._head.props["aria-expanded"] = "true" if is_open else "false"
        self._section.classes(replace=" ".join(["ts-step", *(["ts-open"] * is_open), *(["ts-done"] * is_done)]))
        self._summary.text = "" if is_open else summary
        self._summary.visible = bool(self._summary.text)
