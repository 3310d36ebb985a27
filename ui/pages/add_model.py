"""Where models come from: the hub, the cache that its own tools keep on this machine, a folder, an upload."""

from nicegui import ui

from core.models.arrivals import Added
from core.studio import Studio
from ui import routes
from ui.components.cached_models import CachedModels
from ui.components.model_downloads import ModelDownloads
from ui.components.model_folder import ModelFolder
from ui.components.model_hub_search import ModelHubSearch
from ui.components.model_upload import ModelUpload
from ui.components.text import Text, box, link
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

CRUMBS = (("Models", routes.models()), ("Add", None))
WAYS = {"": "Hugging Face Hub", "cache": "Hugging Face cache", "folder": "A folder", "upload": "Upload"}


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.ADD_MODEL)
    async def add_model_page(way: str = "") -> None:
        async with frame(studio, "Add a Model", CRUMBS):
            page_head(
                "Add a Model", "Safetensors only. Everything is looked at before it becomes a model of the library."
            )
            await AddModel(studio, way if way in WAYS else "").start()


class AddModel:
    def __init__(self, studio: Studio, way: str) -> None:
        self._studio = studio
        self._way = way
        with box("ts-ways", "nav", label="Where the model comes from"):
            for name, title in WAYS.items():
                entry = link(title, routes.add_model(name), "ts-way")
                if name == way:
                    entry.props("aria-current=page")
        self._said = Text("p", "", "ts-banner").props("role=status").mark("added")
        self._said.visible = False
        self._downloads = ModelDownloads(studio.downloads, self._arrived)
        self._stage = box("ts-stretch")

    async def start(self) -> None:
        await self._downloads.look()
        with self._stage:
            match self._way:
                case "cache":
                    await CachedModels(self._studio.hub_cache, self._cached).start()
                case "folder":
                    ModelFolder(self._studio, self._added)
                case "upload":
                    models = await in_thread(self._studio.models.all)
                    ModelUpload(self._studio, models, self._added)
                case _:
                    ModelHubSearch(self._studio.model_search, self._fetch)

    async def _fetch(self, name: str) -> None:
        await in_thread(self._studio.downloads.start, name)
        await self._downloads.look()

    async def _arrived(self) -> None:
        self._say("A model has arrived: it is in the library now.")

    async def _cached(self, model_id: str) -> None:
        self._say(say("{model} is in the library now.", model=model_id))

    async def _added(self, added: Added) -> None:
        if added.is_adapter:
            ui.navigate.to(routes.custom_model(added.id))
        else:
            self._say(say("{model} is in the library now.", model=added.id))

    def _say(self, sentence: str) -> None:
        self._said.text, self._said.visible = sentence, True
