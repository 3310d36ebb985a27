"""Where a file is dropped, or chosen. `static/upload.js` sends it to the upload route; the page hears its id."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from core.datasets.uploads import Uploads
from ui.design import STATIC
from ui.texts import said, say


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be dropped here. `is_export`: a zip archive too."""

    accept: str
    hint: str
    is_export: bool = False


ROWS = Kind(
    ".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt,.gz,.zst",
    "JSONL, JSON, CSV or Parquet (.gz and .zst too), up to {limit}, at least 10 examples.",
)
EXPORTS = Kind(
    ".zip,.json,.jsonl,.ndjson,.csv,.txt,.md,.gz,.zst",
    "The zip archive as it was sent to you, or JSON, JSONL, CSV, text (.gz and .zst too), up to {limit}.",
    is_export=True,
)
PACKED = Kind(".zip,.tar.gz,.tgz,.gz", "A .zip or .tar.gz, up to {limit} (TUNESMITH_MAX_UPLOAD_MB).", is_export=True)

WORDS = {
    "unfinished": "{name} was not finished ({percent} %). Choose it again to go on.",
    "again": "Try again",
    "cancel": "Cancel",
    "upload": "Upload of {name}",
    "share": "{sent} of {size}",
    "left": "{time} left",
    "several": "You dropped {count} files. Drop one file at a time.",
    "empty": "{name} is empty. Choose a file with at least 10 examples.",
    "large": "{name} has {size}; up to {limit} are allowed.",
    "sending": "Uploading…",
    "arrived": "Uploaded. Looking at it…",
    "cut": "The connection was cut. Going on by itself as soon as it is back…",
    "unreachable": "The studio could not be reached for 15 minutes. What arrived is kept for a day.",
    "answered": "The studio answered {status}.",
}


class UploadZone(Element, component=STATIC / "upload.js"):
    """`on_uploaded` gets the upload's id. The zone stays busy until `reset`."""

    def __init__(
        self, uploads: Uploads, on_uploaded: Callable[[str], Awaitable[None]], *, title: str, of: Kind = ROWS
    ) -> None:
        super().__init__()
        limit_mb = uploads.limit_bytes // 1024**2
        shown = f"{limit_mb / 1024:.4g} GB" if limit_mb >= 1024 else f"{limit_mb} MB"
        self._props["title"] = say(title)
        hint = say(of.hint, limit=shown)
        self._props["hint"] = say("Drag & drop a file here, or click to choose. {hint}", hint=hint)
        self._props["words"] = said(WORDS)
        self._props["accept"] = of.accept
        self._props["is-export"] = of.is_export
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
