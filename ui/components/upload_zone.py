"""Where a file is dropped, or chosen. `static/upload.js` sends it to the upload route; the page hears its id."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from core.datasets.uploads import Uploads
from ui.design import STATIC


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be dropped here. `is_export`: a zip archive too."""

    accept: str
    hint: str
    is_export: bool = False


ROWS = Kind(
    ".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt,.gz,.zst",
    "JSONL, JSON, CSV or Parquet (.gz and .zst too), up to {}, at least 10 labeled examples.",
)
EXPORTS = Kind(
    ".zip,.json,.jsonl,.ndjson,.csv,.txt,.md,.gz,.zst",
    "The zip archive as it was sent to you, or JSON, JSONL, CSV, text (.gz and .zst too), up to {}.",
    is_export=True,
)
PACKED = Kind(".zip,.tar.gz,.tgz,.gz", "A .zip or .tar.gz, up to {} (TUNESMITH_MAX_UPLOAD_MB).", is_export=True)


class UploadZone(Element, component=STATIC / "upload.js"):
    """`on_uploaded` gets the upload's id. The zone stays busy until `reset`."""

    def __init__(
        self, uploads: Uploads, on_uploaded: Callable[[str], Awaitable[None]], *, title: str, of: Kind = ROWS
    ) -> None:
        super().__init__()
        limit_mb = uploads.limit_bytes // 1024**2
        shown = f"{limit_mb / 1024:.4g} GB" if limit_mb >= 1024 else f"{limit_mb} MB"
        self._props["title"] = title
        hint = of.hint.format(shown)
        self._props["hint"] = f"Drag & drop a file here, or click to choose. {hint}"
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
