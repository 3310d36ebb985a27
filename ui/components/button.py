"""A button that answers at once: it shows that it works, and a second click meanwhile is ignored."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from nicegui import ui

from ui.components.text import icon as icon_of
from ui.texts import say

Kind = Literal["primary", "secondary", "ghost", "danger"]
Action = Callable[[], Any]


class Button(ui.button):
    def __init__(
        self,
        text: str = "",
        on_click: Action | None = None,
        *,
        kind: Kind = "secondary",
        icon: str = "",
        label: str = "",
    ) -> None:
        """`label` is what a screen reader says; needed where there is only an icon."""
        super().__init__(text, on_click=self._run, color=None)
        self._action = on_click
        self._is_working = False
        self.props("unelevated no-caps no-wrap :ripple=false").classes(f"ts-button ts-{kind}")
        if label:
            self.props["aria-label"] = say(label)
        if icon:
            self.classes(add="" if text else "ts-icon-only")
            with self:
                icon_of(icon)

    def _text_to_model_text(self, text: str) -> None:
        super()._text_to_model_text(say(text))

    async def _run(self) -> None:
        if self._is_working or self._action is None:
            return
        self._is_working = True
        self.props("loading")
        try:
            outcome = self._action()
            if asyncio.iscoroutine(outcome):  # a dialog is awaitable too, but opening it is not waiting for it
                await outcome
        finally:
            self._is_working = False
            if not self.is_deleted:
                self.props(remove="loading")
