"""The OpenAI-compatible face, on the studio's own port below `/v1`: models, chat completions, completions.

GET  /v1/models, /v1/models/{name}
POST /v1/chat/completions, /v1/completions
"""

from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.asked import asked_by
from api.envelope import REQUEST_ID, Refusal, answer, answer_http, new_id
from api.relay import Relay
from core.errors import NotFound, StudioError
from core.serving.endpoint import Visit
from core.serving.targets import Addressable
from core.studio import Studio

PATH = "/v1"


def endpoint(studio: Studio) -> Starlette:
    """Mount it at PATH."""

    def enter(name: str) -> Visit:
        return studio.endpoint.enter(name, actor=studio.people.actor())

    def known() -> list[Addressable]:
        return studio.endpoint.addressable(actor=studio.people.actor())

    async def complete(request: Request) -> Response:
        asked = await asked_by(request)
        path = PATH + request.url.path.partition(PATH)[2]
        return Relay(path, asked, lambda: run_in_threadpool(enter, asked.model))

    async def models(_request: Request) -> Response:
        found = await run_in_threadpool(known)
        return _json({"object": "list", "data": [shown(one) for one in found]})

    async def model(request: Request) -> Response:
        name = request.path_params["name"]
        for one in await run_in_threadpool(known):
            if one.name == name:
                return _json(shown(one))
        raise NotFound(f"There is no model “{name[:200]}”. GET /v1/models lists what there is.")

    return Starlette(
        routes=[
            Route("/models", models),
            Route("/models/{name:path}", model),
            Route("/chat/completions", complete, methods=["POST"]),
            Route("/completions", complete, methods=["POST"]),
        ],
        exception_handlers={Refusal: answer, StudioError: answer, HTTPException: answer_http, Exception: answer},
    )


def shown(one: Addressable) -> dict[str, Any]:
    return {"id": one.name, "object": "model", "created": one.created, "owned_by": one.owned_by}


def _json(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={REQUEST_ID: new_id(), "cache-control": "no-store"})
