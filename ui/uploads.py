"""The upload route: create, chunks from an offset, finish. Behind the guard like all; `static/upload.js` uses it.

POST   /uploads              {"name", "size", "is_export"?} → 201 {"id", "offset", "size"}
GET    /uploads/{id}                                 → 200 {"id", "offset", "size"}: where to go on
PUT    /uploads/{id}?offset=N  the bytes from N on   → 200 {"offset"}; X-Chunk-SHA256 is checked where it is given
POST   /uploads/{id}/finish  {"sha256"}?             → 200 {"id", "sha256"}
DELETE /uploads/{id}                                 → 204

A refusal is {"error": a sentence, "offset"?}: 404, 409 (another offset), 413, 415, 507, else 400.
"""

import secrets
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Body, Cookie, Header, Request, Response
from fastapi.responses import JSONResponse
from nicegui import app
from starlette.requests import ClientDisconnect

from core.datasets.uploads import LOOKED_AT, Chunk, TooLarge, Upload, Uploads, WrongOffset, WrongType
from core.errors import DiskFull, NotFound, StudioError
from core.studio import Studio
from ui.texts import say
from ui.threads import in_thread

PATH = "/uploads"
#: Names the browser that began an upload. It is nobody's login: accounts will have their own.
COOKIE = "tunesmith_uploads"
COOKIE_AGE_S = 7 * 24 * 3600
#: Bytes per write: large enough that a thread is worth it, small enough to wait for on a slow line.
WRITE_BYTES = 1024**2

STATUSES: tuple[tuple[type[StudioError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (WrongOffset, HTTPStatus.CONFLICT),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WrongType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
)

Session = Annotated[str, Cookie(alias=COOKIE)]
Fields = Annotated[dict[str, Any], Body()]


def register(studio: Studio) -> None:
    uploads = studio.uploads

    @app.post(PATH)
    async def create(fields: Fields, session: Session = "") -> Response:
        session = session or secrets.token_urlsafe(32)
        name, size = fields.get("name"), fields.get("size")
        if not isinstance(name, str) or not isinstance(size, int):
            return _json(HTTPStatus.BAD_REQUEST, error="Send the file's name and its size in bytes.")
        try:
            is_export = fields.get("is_export") is True
            upload = await in_thread(uploads.create, name, size, session, is_export=is_export)
        except StudioError as error:
            return _refusal(error)
        answer = _json(HTTPStatus.CREATED, **_shown(upload))
        answer.set_cookie(COOKIE, session, max_age=COOKIE_AGE_S, path=PATH, httponly=True, samesite="strict")
        return answer

    @app.get(PATH + "/{upload_id}")
    async def look(upload_id: str, session: Session = "") -> Response:
        try:
            return _json(HTTPStatus.OK, **_shown(await in_thread(uploads.look, upload_id, session)))
        except StudioError as error:
            return _refusal(error)

    @app.put(PATH + "/{upload_id}")
    async def receive(
        request: Request,
        upload_id: str,
        offset: int,
        session: Session = "",
        x_chunk_sha256: Annotated[str, Header()] = "",
    ) -> Response:
        try:
            return _json(
                HTTPStatus.OK, offset=await _receive(uploads, request, (upload_id, session, offset, x_chunk_sha256))
            )
        except StudioError as error:
            return _refusal(error)

    @app.post(PATH + "/{upload_id}/finish")
    async def finish(
        upload_id: str, fields: Annotated[dict[str, Any] | None, Body()] = None, session: Session = ""
    ) -> Response:
        sha256 = (fields or {}).get("sha256") or ""
        try:
            upload = await in_thread(uploads.finish, upload_id, session, str(sha256))
        except StudioError as error:
            return _refusal(error)
        return _json(HTTPStatus.OK, id=upload.id, sha256=upload.sha256)

    @app.delete(PATH + "/{upload_id}")
    async def drop(upload_id: str, session: Session = "") -> Response:
        try:
            await in_thread(uploads.drop, upload_id, session)
        except StudioError as error:
            return _refusal(error)
        return Response(status_code=HTTPStatus.NO_CONTENT)


async def _receive(uploads: Uploads, request: Request, asked: tuple[str, str, int, str]) -> int:
    """Streams the body to the disk; the offset afterwards. Of a cut connection what came is kept."""
    with await in_thread(uploads.receive, *asked) as chunk:
        try:
            await _copy(request, chunk)
        except ClientDisconnect:
            return chunk.offset
        await in_thread(chunk.check)
        return chunk.offset


async def _copy(request: Request, chunk: Chunk) -> None:
    waiting = bytearray()
    try:
        async for piece in request.stream():
            waiting += piece
            # At once while nothing is known about the type, so that a picture is refused before more of it is sent.
            if len(waiting) >= (WRITE_BYTES if chunk.offset else LOOKED_AT):
                data, waiting = bytes(waiting), bytearray()
                await in_thread(chunk.write, data)
    finally:
        if waiting:
            await in_thread(chunk.write, bytes(waiting))


def _shown(upload: Upload) -> dict[str, Any]:
    return {"id": upload.id, "offset": upload.offset, "size": upload.bytes}


def _refusal(error: StudioError) -> JSONResponse:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    offset = {"offset": error.offset} if isinstance(error, WrongOffset) else {}
    answer = _json(status, error=say(str(error)), **offset)
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE):
        answer.headers["connection"] = "close"  # the rest of the body is not read
    return answer


def _json(status: HTTPStatus, **content: Any) -> JSONResponse:
    return JSONResponse(content, status_code=int(status), headers={"cache-control": "no-store"})
