"""Where a file is dropped, or chosen. `static/upload.js` sends it to the upload route; the page hears its id."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from core.datasets.uploads import Uploads
from ui.design import STATIC

ACCEPT = ".jsonl,.json,.ndjson"


class UploadZone(Element, component=STATIC / "upload.js"):
    """`on_uploaded` gets the upload's id. The zone stays busy until `reset`."""

    def __init__(self, uploads: Uploads, on_uploaded: Callable[[str], Awaitable[None]], *, title: str) -> None:
        super().__init__()
        limit_mb = uploads.limit_bytes // 1024**2
        shown = f"{limit_mb / 1024:.4g} GB" if limit_mb >= 1024 else f"{limit_mb} MB"
        self._props["title"] = title
        self._props["hint"] = (
            f"Drag & drop a file here, or click to choose. JSONL or JSON, up to {shown}, at least 10 labeled examples."
        )
        self._props["accept"] = ACCEPT
        self._props["limit"] = uploads.limit_bytes
        self._on_uploaded = on_uploaded
        self.classes("ts-stretch").mark("upload")
        self.on("uploaded", self._take)

    async def _take(self, event: GenericEventArguments) -> None:
        """The id comes from the browser: `Uploads.finished` knows whether it is one."""
        asked = event.args if isinstance(event.args, dict) else {}
        await self._on_uploaded(str(asked.get("id", "")))

    def reset(self) -> None:
        self.run_method("reset")
