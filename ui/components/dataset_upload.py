"""Drop a file, or choose one. The browser shows the progress; the file is checked on the server."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import UploadEventArguments

MAX_UPLOAD_MB = 100
MAX_UPLOAD_BYTES = MAX_UPLOAD_MB * 1024**2

DROP_ZONE = """
<button type="button" class="ts-drop" @click="props.pickFiles" :disabled="props.isUploading">
  <i class="ts-icon ts-i-upload" aria-hidden="true"></i>
  <span class="ts-drop-title" v-if="!props.isUploading">Upload Labeled Examples</span>
  <span class="ts-drop-title" v-else>Uploading… {{ props.uploadProgressLabel }}</span>
  <span class="ts-drop-text">Drag &amp; drop a file here, or click to choose. JSONL or JSON, up to 100 MB,
    at least 10 labeled examples.</span>
</button>
<span class="ts-hidden"><q-uploader-add-trigger></q-uploader-add-trigger></span>
"""


class DatasetUpload:
    def __init__(
        self, on_file: Callable[[UploadEventArguments], Awaitable[None]], on_problem: Callable[[str], None]
    ) -> None:
        self._upload = ui.upload(
            auto_upload=True,
            max_file_size=MAX_UPLOAD_BYTES,
            on_upload=self._take,
            on_rejected=lambda: on_problem(f"Choose one file of at most {MAX_UPLOAD_MB} MB, in JSONL or JSON."),
        )
        self._on_file = on_file
        self._upload.props("accept='.jsonl,.json,.ndjson,application/json' flat").classes("ts-upload").mark("upload")
        self._upload.add_slot("header", DROP_ZONE)
        self._upload.add_slot("list", "<span></span>")

    async def _take(self, event: UploadEventArguments) -> None:
        await self._on_file(event)
        self._upload.reset()
