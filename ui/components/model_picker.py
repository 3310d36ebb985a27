"""The searchable model dropdown: Model Library | Custom Models, each option with logo, name, provider and id.

A custom model is a finished job's output, or an adapter that somebody brought: to go on from.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nicegui import ui

from core.models.custom import CustomModel
from core.models.library import ModelInfo
from core.warm_start import Before
from ui.components.method_words import METHOD_WORDS
from ui.components.text import Text, aria, box, icon
from ui.texts import say

LIBRARY, CUSTOM = "Model Library", "Custom Models"


class ModelPicker:
    """`chosen` is a base model's id or a custom one's."""

    def __init__(
        self,
        models: Sequence[ModelInfo],
        tuned: Sequence[CustomModel],
        chosen: str,
        on_pick: Callable[[ModelInfo], None],
        on_pick_tuned: Callable[[CustomModel], Awaitable[None]],
    ) -> None:
        self._models = models
        self._tuned = tuned
        self._chosen = chosen
        self._on_pick = on_pick
        self._on_pick_tuned = on_pick_tuned
        self._first: Callable[[], Awaitable[None] | None] | None = None
        self._tab = CUSTOM if any(one.id == chosen for one in tuned) else LIBRARY
        with ui.element("button").classes("ts-picker").mark("model") as self._button:
            self._button.props("type=button aria-haspopup=dialog").props(aria("Base model"))
            self._face = box("ts-picker-face")
            icon("chevron-down")
            with ui.menu().classes("ts-menu ts-picker-menu") as self._menu:
                self._menu.props("role=dialog fit no-route-dismiss transition-duration=100").props(
                    aria("Choose a model")
                )
                self._panel()
        self.show(models, chosen)

    def show(self, models: Sequence[ModelInfo], chosen: str, checkpoint: Before | None = None) -> None:
        """A checkpoint is in no list: it is chosen on its job's page."""
        self._models, self._chosen = models, chosen
        info = next((model for model in models if model.id == chosen), None)
        tuned = next((one for one in self._tuned if one.id == chosen), None)
        self._face.clear()
        with self._face:
            if tuned:
                _tuned_face(tuned.title, tuned.method, tuned.base_name, tuned.id)
            elif checkpoint:
                _tuned_face(checkpoint.name, checkpoint.method.kind, checkpoint.model_name, checkpoint.id)
            elif info:
                _option_face(info)
            else:
                Text("span", "Select a model", "ts-placeholder")
        self._list_options()

    def _panel(self) -> None:
        self._search = ui.input(placeholder=say("Search models"), on_change=self._list_options).classes("ts-input")
        self._search.props("outlined dense autofocus clearable").props(aria("Search models")).mark("model-search")
        self._search.on("keyup.enter", self._pick_first, [])
        with self._search.add_slot("prepend"):
            icon("search")
        with box("ts-segments", label="Where from").props("role=group"):
            self._tabs = [self._tab_button(name) for name in (LIBRARY, CUSTOM)]
        self._options = box("ts-options", label="Models").props("role=listbox")

    def _tab_button(self, name: str) -> Text:
        def choose() -> None:
            self._tab = name
            self._list_options()

        button = Text("button", name, "ts-segment")
        button.on("click", choose, [])
        return button.props("type=button")

    def _list_options(self) -> None:
        words = (self._search.value or "").lower().split()
        for tab in self._tabs:
            tab.props["aria-pressed"] = "true" if tab.text == self._tab else "false"
        found = [model for model in self._models if self._tab == LIBRARY and _matches(model, words)]
        tuned = [one for one in self._tuned if self._tab == CUSTOM and one.is_meant(" ".join(words))]
        picks = [partial(self._on_pick, model) for model in found] + [
            partial(self._on_pick_tuned, one) for one in tuned
        ]
        self._first = picks[0] if picks else None
        self._options.clear()
        with self._options:
            for model in found:
                self._option(model)
            for custom in tuned:
                self._tuned_option(custom)
            if not found and not tuned:
                Text("p", self._nothing(words), "ts-options-empty")

    async def _pick_first(self) -> None:
        """What was searched for, without a way through the list."""
        if self._first:
            self._menu.close()
            outcome = self._first()
            if outcome is not None:
                await outcome

    def _option(self, model: ModelInfo) -> None:
        def pick() -> None:
            self._menu.close()
            self._on_pick(model)

        with ui.element("button").classes("ts-option").on("click", pick, []) as option:
            option.props("type=button role=option").mark(f"model-{model.id}")
            option.props["aria-selected"] = "true" if model.id == self._chosen else "false"
            _option_face(model)
            if not model.ready:
                Text("span", "Being prepared", "ts-badge ts-badge-amber")

    def _tuned_option(self, tuned: CustomModel) -> None:
        async def pick() -> None:
            self._menu.close()
            await self._on_pick_tuned(tuned)

        with ui.element("button").classes("ts-option").on("click", pick, []) as option:
            option.props("type=button role=option").mark(f"tuned-{tuned.id}")
            option.props["aria-selected"] = "true" if tuned.id == self._chosen else "false"
            _tuned_face(tuned.title, tuned.method, tuned.base_name, tuned.id)

    def _nothing(self, words: Sequence[str]) -> str:
        if self._tab == CUSTOM and not self._tuned:
            return "Your tuned models will be listed here, to go on from. Fine-tune one from the library first."
        return (
            say("No model matches “{words}”.", words=" ".join(words))
            if words
            else "There is no model on this machine yet."
        )


def _option_face(model: ModelInfo) -> None:
    Text("span", model.provider[:1].upper(), "ts-logo").props("aria-hidden=true")
    with box("ts-option-text", "span"):
        Text("span", model.name, "ts-option-name")
        Text("span", f"{model.provider} · {model.id}", "ts-option-sub")


def _tuned_face(title: str, method: str, base_name: str, address: str) -> None:
    words = METHOD_WORDS[method]
    Text("span", words.name[:1], f"ts-logo ts-badge-{words.tone}").props("aria-hidden=true")
    with box("ts-option-text", "span"):
        Text("span", title, "ts-option-name")
        about = say("{method} on {model} · {id}", method=say(words.name), model=base_name, id=address)
        Text("span", about, "ts-option-sub")


def _matches(model: ModelInfo, words: Sequence[str]) -> bool:
    text = f"{model.id} {model.name} {model.provider} {model.public_id}".lower()
    return all(word in text for word in words)
