"""Datasets and outputs as files: streamed, always as an attachment, never shown by the browser."""

from collections.abc import Iterator
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app

from core.datasets.export import lines
from core.errors import NotFound, StudioError
from core.studio import Studio
from ui import routes
from ui.texts import say
from ui.threads import in_thread

HEADERS = {"content-security-policy": "sandbox; default-src 'none'", "cache-control": "no-store"}

PIECE_BYTES = 256 * 1024


def register(studio: Studio) -> None:
    _register_dataset(studio)
    _register_output(studio)


def _register_dataset(studio: Studio) -> None:
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
            return PlainTextResponse(say(str(error)), status_code=404 if isinstance(error, NotFound) else 400)
        return StreamingResponse(
            _pieces(exported),
            media_type="application/x-ndjson",
            headers=_attached(f"{dataset.name} v{dataset.version}", ".jsonl"),
        )


def _register_output(studio: Studio) -> None:
    """Before the job page in `register_all`: its address looks like a job's."""

    @app.get(f"{routes.JOBS}/output/{{job_id}}.tar")
    async def download_output(job_id: str) -> Response:
        try:
            job = await in_thread(studio.runs.get, job_id)
            packed = await in_thread(studio.runs.packed_output, job_id)
        except StudioError as error:
            return PlainTextResponse(say(str(error)), status_code=404)
        return StreamingResponse(
            packed.pieces(),
            media_type="application/x-tar",
            headers={**_attached(job.output_name, ".tar"), "content-length": str(packed.size)},
        )


def _attached(name: str, suffix: str) -> dict[str, str]:
    plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in name)
    whole = quote(f"{name}{suffix}", safe="")
    return {**HEADERS, "content-disposition": f"attachment; filename=\"{plain}{suffix}\"; filename*=UTF-8''{whole}"}


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
