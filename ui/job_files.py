"""What of a job can be taken away: measurements, logs, checkpoints. Always as an attachment."""

import re

from fastapi import Response
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse
from nicegui import app

from core.errors import NotFound, StudioError
from core.metric_table import csv_pieces
from core.run_logs import log_file
from core.studio import Studio
from ui import routes
from ui.downloads import HEADERS
from ui.texts import say
from ui.threads import in_thread

STEP = re.compile(r"[0-9]{1,12}")


def register(studio: Studio) -> None:
    _register_metrics(studio)
    _register_logs(studio)
    _register_checkpoints(studio)


def _register_metrics(studio: Studio) -> None:
    @app.get(f"{routes.JOBS}/{{kind}}/{{job_id}}/metrics.csv")
    async def metrics(kind: str, job_id: str) -> Response:
        try:
            folder = await in_thread(studio.runs.folder, job_id)
        except NotFound as error:
            return PlainTextResponse(say(str(error)), status_code=404)
        history = await in_thread(studio.feed.history, folder.job_id)
        pieces = csv_pieces(folder, sorted(history.series))
        return StreamingResponse(pieces, media_type="text/csv", headers=_attached(f"{folder.job_id}-metrics.csv"))


def _register_logs(studio: Studio) -> None:
    @app.get(f"{routes.JOBS}/{{kind}}/{{job_id}}/logs/{{key}}")
    async def log(kind: str, job_id: str, key: str) -> Response:
        try:
            folder = await in_thread(studio.runs.folder, job_id)
            found = await in_thread(log_file, folder, key)
        except NotFound as error:
            return PlainTextResponse(say(str(error)), status_code=404)
        return FileResponse(found.path, media_type="text/plain", headers=_attached(f"{folder.job_id}-{found.key}"))


def _register_checkpoints(studio: Studio) -> None:
    @app.get(f"{routes.JOBS}/{{kind}}/{{job_id}}/checkpoints/{{step}}.tar")
    async def checkpoint(kind: str, job_id: str, step: str) -> Response:
        try:
            packed = await in_thread(studio.checkpoints.packed, job_id, int(step) if STEP.fullmatch(step) else -1)
        except StudioError as error:
            return PlainTextResponse(say(str(error)), status_code=404 if isinstance(error, NotFound) else 409)
        headers = {**_attached(f"{job_id}-step-{int(step)}.tar"), "content-length": str(packed.size)}
        return StreamingResponse(packed.pieces(), media_type="application/x-tar", headers=headers)


def _attached(name: str) -> dict[str, str]:
    """`name` is made of a job's id, which is of letters, digits, - and _ only."""
    return {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
