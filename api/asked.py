"""A request's body: read within a bound, and as far understood as is needed to know who answers it."""

from dataclasses import dataclass
from http import HTTPStatus

import orjson
from starlette.requests import Request

from api.envelope import Refusal

#: A context of a hundred thousand tokens is half a megabyte of text.
MOST_BYTES = 8 * 1024**2
MOST_NAME = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """`body` goes on to the worker as it came."""

    model: str
    is_streamed: bool
    body: bytes


async def asked_by(request: Request) -> Asked:
    """Raises Refusal. Everything but `model` and `stream` is for the worker to check."""
    body = await _read(request)
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_json", f"The body is not JSON ({error}).") from error
    if not isinstance(fields, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_type", "The body is not a JSON object.")
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "missing_required_parameter",
            "The field “model” is missing; GET /v1/models lists the names that it may have.",
            "model",
        )
    if len(model) > MOST_NAME:
        raise Refusal(HTTPStatus.NOT_FOUND, "model_not_found", "No model has a name that long.", "model")
    return Asked(model, fields.get("stream") is True, body)


async def _read(request: Request) -> bytes:
    too_large = Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request_too_large",
        f"The body is larger than {MOST_BYTES // 1024**2} MB, which is the most that is read.",
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise too_large
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise too_large
    return bytes(body)
