"""Where the base model comes from: what is on this machine, or the Hugging Face Hub, searched and fetched in place.

Every job trains on this machine; a service that trains elsewhere would be a third choice here.
"""

from collections.abc import Awaitable, Callable

from core.errors import StudioError
from core.studio import Studio
from ui.components.choice_card import Choice, choice_card
from ui.components.model_downloads import ModelDownloads
from ui.components.model_hub_search import ModelHubSearch
from ui.components.text import Text, box
from ui.texts import say
from ui.threads import in_thread

HERE, HUB = "here", "hub"
CHOICES = (
    Choice(value=HERE, title="This machine", text="Models of the library; works without a network."),
    Choice(value=HUB, title="Hugging Face Hub", text="Search there and fetch once; then it is in the library."),
)


class ModelProvider:
    """`on_arrived` makes what has come the base model, and says so."""

    def __init__(self, studio: Studio, on_arrived: Callable[[], Awaitable[str]]) -> None:
        self._studio = studio
        self._on_arrived = on_arrived
        with box("ts-field"):
            Text("span", "Provider", "ts-label")
            with box("ts-choices ts-choices-two", label="Provider").props("role=radiogroup"):
                for choice in CHOICES:
                    choice_card("provider", choice, chosen=choice.value == HERE, on_pick=self._choose)
        self._hub = box("ts-stretch ts-provider")
        self._hub.visible = False
        self._said = Text("p", "", "ts-banner ts-banner-small").props("role=status").mark("provider-said")
        self._said.visible = False
        self._downloads: ModelDownloads | None = None

    def _choose(self, value: str) -> None:
        self._hub.visible = value == HUB
        if self._hub.visible and self._downloads is None:
            with self._hub:
                self._downloads = ModelDownloads(self._studio.downloads, self._arrived)
                ModelHubSearch(self._studio.model_search, self._fetch)

    async def _fetch(self, name: str) -> None:
        try:
            await in_thread(self._studio.downloads.start, name)
        except StudioError as error:
            self._say(str(error))
            return
        self._say(say("{name} is on its way. It becomes the base model as soon as it is here.", name=name))
        if self._downloads:
            await self._downloads.look()

    async def _arrived(self) -> None:
        self._say(await self._on_arrived())

    def _say(self, sentence: str) -> None:
        self._said.text, self._said.visible = sentence, bool(sentence)
