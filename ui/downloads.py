"""Datasets as files: streamed row by row, always as an attachment, never shown by the browser."""

from collections.abc import Iterator
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app

from core.datasets.export import lines
from core.errors import NotFound, StudioError
from core.studio import Studio
from ui import routes
from ui.threads import in_thread

HEADERS = {"content-security-policy": "sandbox; default-src 'none'", "cache-control": "no-store"}

PIECE_BYTES = 256 * 1024


def register(studio: Studio) -> None:
    @app.get(f"{routes.DATASETS}/{{dataset_id}}/download")
    async def download(dataset_id: str, format: str = "tunesmith") -> Response:
        try:
            actor = await in_thread(studio.people.actor)
            dataset = await in_thread(studio.datasets.get, dataset_id, actor=actor)
            rows = await in_thread(studio.datasets.rows, dataset_id, actor=actor)
            # Twice over: half a file must not look whole, so that no row can be refused once the first is sent.
            await in_thread(_read_through, lines(rows, dataset.kind, format))
            exported = lines(rows, dataset.kind, format)
        except StudioError as error:
            return PlainTextResponse(str(error), status_code=404 if isinstance(error, NotFound) else 400)
        name = f"{dataset.name} v{dataset.version}.jsonl"
        plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in name[:-6])
        disposition = f"attachment; filename=\"{plain}.jsonl\"; filename*=UTF-8''{quote(name, safe='')}"
        return StreamingResponse(
            _pieces(exported),
            media_type="application/x-ndjson",
            headers={**HEADERS, "content-disposition": disposition},
        )


def _read_through(exported: Iterator[bytes]) -> None:
    for _ in exported:
        pass


def _pieces(exported: Iterator[bytes]) -> Iterator[bytes]:
    """Many rows at once."""
    waiting = bytearray()
    for line in exported:
        waiting += line
        if len(waiting) > PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
