"""The models page: base models on this machine, and what was made of them. Its whole state is in the address."""

from collections import Counter
from functools import partial

from nicegui import ui

from core.errors import StudioError
from core.models.custom import CustomModel
from core.models.library import ModelInfo
from core.studio import Studio
from ui import routes
from ui.components.confirm import confirm
from ui.components.custom_model_card import custom_model_card
from ui.components.empty_state import empty_state
from ui.components.model_card import model_card
from ui.components.model_downloads import ModelDownloads
from ui.components.text import box, icon, link
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

TABS = {"": "Model Library", "custom": "Custom Models"}


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.MODELS)
    async def models_page(tab: str = "", q: str = "") -> None:
        async with frame(studio, "Models"):
            with box("ts-page-head"):
                page_head("Models", "The models that you train, and those that you have trained.")
                with box("ts-actions"):
                    link("Add a Model", routes.add_model(), "ts-button ts-primary ts-button-link").mark("add-model")
            await ModelsView(studio, tab if tab in TABS else "", q[:200]).start()


class ModelsView:
    def __init__(self, studio: Studio, tab: str, words: str) -> None:
        self._studio = studio
        self._tab = tab
        self._words = words
        #: A base model's id → how many custom models were made of it.
        self._tuned = Counter[str]()
        with box("ts-tabs", "nav", label="Kind of model"):
            for name, title in TABS.items():
                entry = link(title, routes.models(name), "ts-tab")
                if name == tab:
                    entry.props("aria-current=page")
        self._filters()
        if not tab:
            self._downloads = ModelDownloads(studio.downloads, self.show)
        self._cards = box("ts-datasets").mark("models")
        self._nothing = box("ts-stretch")
        self._dialogs = box("")

    async def start(self) -> None:
        if not self._tab:
            await self._downloads.look()
            # Once for the page: each of them is measured on disk, which no key of the search should wait for.
            self._tuned.update(model.base_id for model in await in_thread(self._studio.custom_models.all))
        await self.show()

    def _filters(self) -> None:
        placeholder = (
            "Search by name, provider, licence or id" if not self._tab else "Search by name, base, tag or dataset"
        )
        with box("ts-filters"):
            search = ui.input(
                placeholder=say(placeholder), value=self._words, on_change=lambda e: self._filter(e.value or "")
            )
            search.props("outlined dense clearable debounce=250 type=search").classes("ts-input ts-search")
            search.mark("search").props["aria-label"] = say(placeholder)
            with search.add_slot("prepend"):
                icon("search")

    async def _filter(self, words: str) -> None:
        self._words = words[:200]
        ui.navigate.history.replace(routes.models(self._tab, q=self._words))
        await self.show()

    async def show(self) -> None:
        words = self._words
        if self._tab:
            found: list[ModelInfo] | list[CustomModel] = await in_thread(self._studio.custom_models.all, words)
        else:
            found = [info for info in await in_thread(self._studio.models.all) if _is_meant(info, words)]
        if words != self._words:  # a slow answer to an older question is dropped
            return
        self._cards.clear()
        with self._cards:
            for model in found:
                if isinstance(model, ModelInfo):
                    model_card(model, self._tuned[model.id], self._ask_to_delete)
                else:
                    custom_model_card(model)
        self._nothing.clear()
        if not found:
            with self._nothing:
                self._explain_nothing()

    def _explain_nothing(self) -> None:
        if self._words:
            with empty_state("No models match", "Try other words.", symbol="search"):
                link("Clear the search", routes.models(self._tab), "ts-button ts-secondary ts-button-link")
        elif self._tab:
            text = "Every finished job's output is listed here, with where it comes from. Fine-tune one to begin."
            with empty_state("No custom models yet", text):
                link("Fine-tune a Model", routes.wizard(), "ts-button ts-primary ts-button-link")
        else:
            with empty_state("There is no model on this machine yet", "Fetch one from the hub, or add a folder."):
                link("Add a Model", routes.add_model(), "ts-button ts-primary ts-button-link")

    async def _ask_to_delete(self, info: ModelInfo) -> None:
        made = [model for model in await in_thread(self._studio.custom_models.all) if model.base_id == info.id]
        needed = (
            say(
                "{count} custom model was made of it and cannot be used without it. | "
                "{count} custom models were made of it and cannot be used without it.",
                count=len(made),
            )
            if made
            else ""
        )
        with self._dialogs:
            dialog = confirm(
                say("Delete {name}?", name=info.name),
                say("It goes to the trash for a week, then for good.{needed}", needed=needed),
                yes="Delete",
                no="Keep it",
                on_yes=partial(self._delete, info),
            )
        dialog.open()

    async def _delete(self, info: ModelInfo) -> None:
        try:
            actor = await in_thread(self._studio.people.actor)
            await in_thread(self._studio.model_removal.remove, info.id, actor=actor)
        except StudioError as error:
            ui.notify(say(str(error)), type="negative", multi_line=True)
        await self.show()


def _is_meant(info: ModelInfo, words: str) -> bool:
    text = f"{info.id} {info.name} {info.provider} {info.public_id} {info.licence} {info.model_type}".lower()
    return all(word in text for word in words.lower().split())
