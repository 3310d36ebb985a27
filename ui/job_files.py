"""What a job can be taken away as: its measurements as a table. Always an attachment, never shown by the browser."""

from fastapi import Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app

from core.errors import NotFound
from core.metric_table import csv_pieces
from core.studio import Studio
from ui import routes
from ui.downloads import HEADERS
from ui.threads import in_thread


def register(studio: Studio) -> None:
    @app.get(f"{routes.JOBS}/{{kind}}/{{job_id}}/metrics.csv")
    async def metrics(kind: str, job_id: str) -> Response:
        try:
            folder = await in_thread(studio.runs.folder, job_id)
        except NotFound as error:
            return PlainTextResponse(str(error), status_code=404)
        history = await in_thread(studio.feed.history, folder.job_id)
        pieces = csv_pieces(folder, sorted(history.series))
        return StreamingResponse(pieces, media_type="text/csv", headers=_attached(f"{folder.job_id}-metrics.csv"))


def _attached(name: str) -> dict[str, str]:
    """`name` is made of a job's id, which is of letters, digits, - and _ only."""
    return {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
