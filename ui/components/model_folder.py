"""A model in a folder of this machine, under the folders that its owner has opened."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from core.datasets.roots import VARIABLE, Roots
from core.errors import StudioError
from core.models.arrivals import Added
from core.studio import Studio
from ui.components.button import Button
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_own_thread, in_thread

CLOSED = (
    "No folder is open yet. Whoever runs the studio opens some with {variable}=/data:/srv/models and a restart, or "
    "adds the model on the command line: tunesmith models add FOLDER."
)


class ModelFolder:
    """`on_added` gets what it has become."""

    def __init__(self, studio: Studio, on_added: Callable[[Added], Awaitable[None]]) -> None:
        self._studio = studio
        self._on_added = on_added
        self._roots = Roots.configured()
        with box("ts-card ts-upload-card", "section", label="A folder of this machine"):
            heading("Add a folder of this machine", 2)
            Text(
                "p",
                "It holds a model (config.json, safetensors, tokenizer) or a LoRA adapter. A model's files are linked "
                "where that is possible, else copied; the folder itself stays as it is.",
                "ts-muted",
            )
            if not self._roots.folders:
                Text("p", say(CLOSED, variable=VARIABLE), "ts-muted")
                return
            Text("p", say("Open: {folders}", folders=", ".join(map(str, self._roots.folders))), "ts-muted")
            with box("ts-field"):
                Text("label", "Folder", "ts-label").props["for"] = "model-folder"
                self._path = ui.input(placeholder=f"{self._roots.folders[0]}/my-model")
                self._path.props("outlined dense for=model-folder").classes("ts-input").mark("model-folder")
            self._problem = Text("p", "", "ts-error").props("role=alert")
            with box("ts-actions"):
                Button("Add", self._add, kind="primary").mark("add-folder")

    async def _add(self) -> None:
        self._problem.text = ""
        try:
            folder = self._roots.folder((self._path.value or "").strip())
            actor = await in_thread(self._studio.people.actor)
            work = self._studio.model_arrivals.add
            added = await in_own_thread(work, folder, actor=actor, is_open=self._roots.holds)
        except StudioError as error:
            self._problem.text = str(error)
            return
        await self._on_added(added)
