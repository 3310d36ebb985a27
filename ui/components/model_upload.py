"""A model or an adapter from this browser: one packed folder, looked at once it has arrived."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from core.errors import StudioError
from core.models.arrivals import Added
from core.models.library import ModelInfo
from core.studio import Studio
from ui.components.text import Text, box, heading
from ui.components.upload_zone import PACKED, UploadZone
from ui.texts import say
from ui.threads import in_own_thread, in_thread

NAMED = "As the adapter says"


class ModelUpload:
    """`on_added` gets what it has become."""

    def __init__(
        self, studio: Studio, models: Sequence[ModelInfo], on_added: Callable[[Added], Awaitable[None]]
    ) -> None:
        self._arrivals = studio.model_arrivals
        self._people = studio.people
        self._on_added = on_added
        with box("ts-card ts-upload-card", "section", label="Upload"):
            heading("Upload an adapter or a model", 2)
            Text(
                "p",
                "One folder, packed as .zip or .tar.gz: a LoRA adapter as PEFT saves it (adapter_config.json and "
                "adapter_model.safetensors), or a whole model (config.json, safetensors, tokenizer). An adapter is "
                "laid against its base model, layer by layer; a pickle is never read.",
                "ts-muted",
            )
            with box("ts-field"):
                Text("label", "Base model of an adapter", "ts-label").props["for"] = "adapter-base"
                known = {"": say(NAMED)} | {model.id: model.name for model in models if model.ready}
                self._base = ui.select(known, value="")
                self._base.props("outlined dense for=adapter-base popup-content-class=ts-menu").classes("ts-input")
                self._base.mark("adapter-base")
            self._zone = UploadZone(studio.uploads, self._arrived, title="Choose a packed folder", of=PACKED)
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("upload-problem")
            self._problem.visible = False

    async def _arrived(self, upload_id: str) -> None:
        self._problem.visible = False
        try:
            actor = await in_thread(self._people.actor)
            added = await in_own_thread(
                self._arrivals.add_upload, upload_id, actor=actor, base=str(self._base.value or "")
            )
        except StudioError as error:
            self._problem.text, self._problem.visible = str(error), True
            return
        finally:
            self._zone.reset()
        await self._on_added(added)
