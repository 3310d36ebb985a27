"""The worker's HTTP face: OpenAI's chat and completions, and what the studio asks of a worker. A unix socket only."""

import os
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.answering import Answering
from serving.bodies import Chat, Completion, error
from serving.engine import Engine
from serving.envelope import Asked, ChatAsked, CompletionAsked
from serving.failures import BadRequest, NoSuchModel, ServingError, TooLarge
from serving.prompt_writer import PromptWriter
from serving.request import BASE, Generation, Sampling
from storage.serving import ADAPTER_HEADER, WorkerSpec

#: Of one request. The longest contexts of today are a million tokens.
MOST_BYTES = 8 * 1024**2


class AdapterAsked(BaseModel):
    """`PUT /adapters/NAME`; the folder is PEFT's."""

    folder: str = Field(min_length=1, max_length=4096)


class Service:
    """Which adapter answers is named by a header, or by `model`; the base model's own name means none."""

    def __init__(self, engine: Engine, prompts: PromptWriter, spec: WorkerSpec) -> None:
        self._engine, self._prompts, self._base_name = engine, prompts, spec.base_name
        self._answering = Answering(engine, most=spec.slots + spec.most_waiting)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
                Route("/health", self._health),
                Route("/adapters/{name}", self._load, methods=["PUT"]),
                Route("/adapters/{name}", self._drop, methods=["DELETE"]),
            ],
            exception_handlers={
                ServingError: answer_error,
                ValidationError: answer_invalid,
                ClientDisconnect: answer_nobody,
                404: answer_unknown,
                405: answer_unknown,
            },
        )

    def health(self) -> dict[str, Any]:
        load = self._engine.load()
        return {
            "engine": self._engine.name,
            "adapters": self._engine.adapters(),
            "running": load.running,
            "waiting": load.waiting,
            "slots": load.slots,
            "context_length": self._engine.context_length,
            "memory_bytes": memory_of(os.getpid()) + (memory_of(self._prompts.pid) if self._prompts.pid else 0),
        }

    async def _health(self, _request: Request) -> Response:
        return JSONResponse(self.health())

    async def _load(self, request: Request) -> Response:
        folder = Path(AdapterAsked.model_validate_json(await body_of(request)).folder)
        await run_in_threadpool(self._engine.load_adapter, request.path_params["name"], folder)
        return JSONResponse({"adapters": self._engine.adapters()})

    async def _drop(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self._engine.adapters():
            await run_in_threadpool(self._engine.drop_adapter, name)
        return JSONResponse({"adapters": self._engine.adapters()})

    async def _chat(self, request: Request) -> Response:
        asked = ChatAsked.model_validate_json(await body_of(request))
        asked.require_known()
        adapter, sampling = self._adapter(request, asked), asked.chat_sampling()
        prompt = await self._prompts.chat(asked.messages, asked.tools)
        return await self._answering.respond(request, asked, generations([prompt], asked, adapter, sampling), Chat)

    async def _complete(self, request: Request) -> Response:
        asked = CompletionAsked.model_validate_json(await body_of(request))
        asked.require_known()
        adapter, sampling = self._adapter(request, asked), asked.completion_sampling()
        prompts = [await self._prompts.text(prompt) for prompt in asked.prompts]
        return await self._answering.respond(
            request, asked, generations(prompts, asked, adapter, sampling), Completion, prompts=len(prompts)
        )

    def _adapter(self, request: Request, asked: Asked) -> str:
        named = request.headers.get(ADAPTER_HEADER)
        name = ("" if asked.model == self._base_name else asked.model) if named is None else named
        if name and name not in self._engine.adapters():
            raise NoSuchModel(f"There is no model “{asked.model}” here.", param="model")
        return name or BASE


def generations(prompts: list[tuple[int, ...]], asked: Asked, adapter: str, sampling: Sampling) -> list[Generation]:
    """`n` answers to each prompt; with one seed for all of them they would all be the same."""
    seeds = [sampling.seed if sampling.seed is None else (sampling.seed + at) % 2**63 for at in range(asked.n or 1)]
    return [
        Generation(prompt=prompt, adapter=adapter, sampling=sampling.model_copy(update={"seed": seed}))
        for prompt in prompts
        for seed in seeds
    ]


async def body_of(request: Request) -> bytes:
    """Raises TooLarge before more than that was read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise TooLarge(f"The request has more than {MOST_BYTES // 1024**2} MB.")
    return bytes(body)


def memory_of(pid: int) -> int:
    """Resident bytes; nothing for a process that is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


async def answer_error(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ServingError)
    headers = {"retry-after": "2"} if problem.status == 503 else {}
    return JSONResponse(error(problem), status_code=problem.status, headers=headers)


async def answer_invalid(request: Request, problem: Exception) -> Response:
    """pydantic's first complaint in one sentence. Its place names types of ours after the field: left out."""
    assert isinstance(problem, ValidationError)
    first = problem.errors(include_url=False, include_input=False)[0]
    where = ".".join(
        str(part)[:60] for part in first["loc"][:3] if not str(part).startswith(("list[", "str", "constr"))
    )
    said = f"{first['msg'].rstrip('.')}."[:300]
    return await answer_error(request, BadRequest(f"{where}: {said}" if where else said, param=where or None))


async def answer_unknown(request: Request, _problem: Exception) -> Response:
    problem = NoSuchModel(f"There is no {request.method} {request.url.path[:100]} here.")
    problem.code = "not_found"
    return await answer_error(request, problem)


async def answer_nobody(_request: Request, _problem: Exception) -> Response:
    """Who asked is gone; nobody reads this."""
    return Response(status_code=499)
