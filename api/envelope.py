"""OpenAI's shape of an error, for whatever goes wrong. Clients show `message`, and decide by status and `code`."""

import json
import math
import secrets
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import DiskFull, NotFound, StudioError, Unavailable

#: OpenAI's clients do not try again at all where they are to wait for longer.
LONGEST_RETRY_S = 120
REQUEST_ID = "x-request-id"


class Refusal(Exception):
    """What the endpoint itself has against a request. `param` names the field."""

    def __init__(self, status: HTTPStatus, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


def envelope(status: HTTPStatus, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    kinds = {HTTPStatus.NOT_FOUND: "not_found_error", HTTPStatus.FORBIDDEN: "permission_error"}
    kind = "server_error" if status >= 500 else kinds.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refusal(error: Exception) -> Response:
    """The answer for one of our own errors."""
    headers = {REQUEST_ID: new_id()}
    match error:
        case Refusal():
            status, code, param = error.status, error.code, error.param
        case Unavailable():
            status, code, param = HTTPStatus.SERVICE_UNAVAILABLE, "model_loading", "model"
            headers["retry-after"] = str(min(max(math.ceil(error.retry_after_s), 1), LONGEST_RETRY_S))
        case NotFound():
            status, code, param = HTTPStatus.NOT_FOUND, "model_not_found", "model"
        case DiskFull():
            status, code, param = HTTPStatus.INSUFFICIENT_STORAGE, "disk_full", None
            headers["x-should-retry"] = "false"
        case StudioError():
            status, code, param = HTTPStatus.BAD_REQUEST, "unsupported_value", "model"
        case _:
            status, code, param = HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", None
            error = Exception("Something went wrong in the studio. Its log says what.")
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        headers["connection"] = "close"  # the rest of the body is not read
    return JSONResponse(envelope(status, code, str(error), param), status_code=int(status), headers=headers)


def in_stream(code: str, message: str) -> bytes:
    """An error after the answer has begun: one more event, as OpenAI's clients expect it."""
    told = envelope(HTTPStatus.SERVICE_UNAVAILABLE, code, message)
    return b"data: " + json.dumps(told, ensure_ascii=False).encode() + b"\n\n"


async def answer(_request: Request, error: Exception) -> Response:
    return refusal(error)


async def answer_http(request: Request, error: Exception) -> Response:
    """What the router refuses: a path or a method that there is not."""
    status = HTTPStatus(getattr(error, "status_code", 500))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        return refusal(Refusal(status, "method_not_allowed", f"{request.url.path} does not answer {request.method}."))
    there = "GET /v1/models, POST /v1/chat/completions and POST /v1/completions"
    return refusal(Refusal(status, "unknown_url", f"There is no {request.url.path} here; there are {there}."))


def new_id() -> str:
    return f"req_{secrets.token_hex(12)}"
