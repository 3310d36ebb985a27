"""The models of an existing Hugging Face cache: added with a click, without any network."""

from collections.abc import Awaitable, Callable
from functools import partial

from core.errors import StudioError
from core.models.cache import CachedModel, HubCache
from ui.components.button import Button
from ui.components.empty_state import empty_state
from ui.components.quantity import size_of
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_own_thread, in_thread


class CachedModels:
    """`await start()` lists them. `on_added` gets the new model's id."""

    def __init__(self, cache: HubCache, on_added: Callable[[str], Awaitable[None]]) -> None:
        self._cache = cache
        self._on_added = on_added
        with box("ts-card", "section", label="Hugging Face cache"):
            heading("Take from the Hugging Face cache", 2)
            text = "What other tools have fetched to this machine. It is linked, so it takes no second place on disk."
            Text("p", text, "ts-muted")
            self._problem = Text("p", "", "ts-error").props("role=alert")
            self._list = box("ts-options ts-files")

    async def start(self) -> None:
        found = await in_thread(self._cache.all)
        with self._list:
            for model in found:
                self._entry(model)
            if not found:
                empty_state(
                    "The cache is empty",
                    say("There is no model in {place}.", place=self._cache.place),
                    symbol="cube",
                    level=3,
                )

    def _entry(self, model: CachedModel) -> None:
        with box("ts-option ts-option-line"):
            with box("ts-option-text", "span"):
                Text("span", model.name, "ts-option-name")
                about = model.problem or say(
                    "{size} · revision {revision}", size=size_of(model.bytes), revision=model.revision[:12]
                )
                Text("span", about, "ts-option-sub").props["title"] = say(about)
            if not model.problem:
                add = partial(self._add, model.name)
                Button("Add", add, label=say("Add {name}", name=model.name)).mark(f"cached-{model.name}")

    async def _add(self, name: str) -> None:
        self._problem.text = ""
        try:
            model_id = await in_own_thread(self._cache.add, name)
        except StudioError as error:
            self._problem.text = str(error)
            return
        await self._on_added(model_id)
