"""The worker's HTTP face: OpenAI's chat and completions, and what the studio asks of a worker. A unix socket only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from transformers import PreTrainedTokenizerBase

from serving.engine import Engine
from serving.envelope import ChatAsked, CompletionAsked, Head, chat_logprobs, error, event, usage
from serving.failures import BadRequest, NoSuchModel, ServingError
from serving.prompts import chat_prompt, plain_prompt
from serving.request import BASE, Generation, Piece


class Service:
    """`names`: which adapter answers to which model name; the base model's own name means no adapter."""

    def __init__(self, engine: Engine, tokenizer: PreTrainedTokenizerBase, base_name: str) -> None:
        self._engine, self._tokenizer, self._base_name = engine, tokenizer, base_name

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/completions", self.complete, methods=["POST"]),
                Route("/health", self.health),
                Route("/adapters/{name}", self.load, methods=["PUT"]),
                Route("/adapters/{name}", self.drop, methods=["DELETE"]),
            ],
            exception_handlers={ServingError: answer_error, ValidationError: answer_invalid},
        )

    async def health(self, _request: Request) -> Response:
        load = self._engine.load()
        return JSONResponse(
            {
                "engine": self._engine.name,
                "adapters": self._engine.adapters(),
                "running": load.running,
                "waiting": load.waiting,
                "slots": load.slots,
            }
        )

    async def load(self, request: Request) -> Response:
        folder = Path(str((await request.json())["folder"]))
        await run_in_threadpool(self._engine.load_adapter, request.path_params["name"], folder)
        return JSONResponse({"adapters": self._engine.adapters()})

    async def drop(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self._engine.adapters():
            await run_in_threadpool(self._engine.drop_adapter, name)
        return JSONResponse({"adapters": self._engine.adapters()})

    async def chat(self, request: Request) -> Response:
        asked = ChatAsked.model_validate_json(await request.body())
        prompt = await run_in_threadpool(chat_prompt, self._tokenizer, asked.messages, asked.tools)
        adapter, sampling = self._adapter(asked.model), asked.chat_sampling()
        generation = Generation(prompt=prompt, adapter=adapter, sampling=sampling)
        head = Head.new("chatcmpl", asked.model)
        if asked.stream:
            wants_usage = asked.stream_options is not None and asked.stream_options.include_usage
            return streamed(self._chat_chunks(head, generation, wants_usage=wants_usage))
        answers = await self._all(request, [generation] * (asked.n or 1))
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": text_of(pieces), "refusal": None},
                "logprobs": chat_logprobs(pieces),
                "finish_reason": pieces[-1].finish,
            }
            for index, pieces in enumerate(answers)
        ]
        written = sum(piece.tokens for pieces in answers for piece in pieces)
        body = {**head.model_dump(), "object": "chat.completion", "choices": choices}
        return JSONResponse({**body, "usage": usage(len(prompt), written)})

    async def complete(self, request: Request) -> Response:
        asked = CompletionAsked.model_validate_json(await request.body())
        sampling = asked.completion_sampling()
        prompts = [plain_prompt(self._tokenizer, prompt) for prompt in prompts_of(asked.prompt)]
        adapter = self._adapter(asked.model)
        generations = [Generation(prompt=prompt, adapter=adapter, sampling=sampling) for prompt in prompts]
        head = Head.new("cmpl", asked.model)
        if asked.stream:
            if len(generations) != 1:
                raise BadRequest("Only one prompt can be streamed.", param="prompt")
            return streamed(self._completion_chunks(head, generations[0]))
        answers = await self._all(request, [generation for generation in generations for _ in range(asked.n or 1)])
        choices = [
            {"index": index, "text": text_of(pieces), "logprobs": None, "finish_reason": pieces[-1].finish}
            for index, pieces in enumerate(answers)
        ]
        written = sum(piece.tokens for pieces in answers for piece in pieces)
        body = {**head.model_dump(), "object": "text_completion", "choices": choices}
        return JSONResponse({**body, "usage": usage(sum(map(len, prompts)), written)})

    def _adapter(self, model: str) -> str:
        if model == self._base_name:
            return BASE
        if model not in self._engine.adapters():
            raise NoSuchModel(f"There is no model “{model[:200]}” here.", param="model")
        return model

    async def _all(self, request: Request, generations: list[Generation]) -> list[list[Piece]]:
        """Every answer whole. A client that hangs up frees its slots."""

        async def whole(generation: Generation) -> list[Piece]:
            return [piece async for piece in self.pieces(generation)]

        writing = asyncio.gather(*(whole(generation) for generation in generations))
        gone = asyncio.ensure_future(hung_up(request))
        await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not writing.done():
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            raise ServingError("The client hung up.")
        return list(await writing)

    async def pieces(self, generation: Generation) -> AsyncIterator[Piece]:
        """Raises ServingError where the engine broke off."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Queue[Piece]()
        ticket = self._engine.submit(generation, lambda piece: loop.call_soon_threadsafe(arrived.put_nowait, piece))
        try:
            while True:
                piece = await arrived.get()
                if piece.finish == "aborted":
                    raise ServingError("The model was unloaded while it answered. Try again.")
                yield piece
                if piece.finish:
                    return
        finally:
            ticket.cancel()

    async def _chat_chunks(self, head: Head, generation: Generation, *, wants_usage: bool) -> AsyncIterator[bytes]:
        def chunk(delta: dict[str, Any], piece: Piece | None = None) -> bytes:
            choice = {
                "index": 0,
                "delta": delta,
                "logprobs": chat_logprobs([piece]) if piece else None,
                "finish_reason": (piece.finish or None) if piece else None,
            }
            return event({**head.model_dump(), "object": "chat.completion.chunk", "choices": [choice]})

        written = 0
        yield chunk({"role": "assistant", "content": ""})
        try:
            async for piece in self.pieces(generation):
                written += piece.tokens
                if piece.text or piece.logprobs or piece.finish:
                    yield chunk({"content": piece.text} if piece.text else {}, piece)
        except ServingError as problem:
            yield event(error(problem))
            return
        if wants_usage:
            told = {"choices": [], "usage": usage(len(generation.prompt), written)}
            yield event({**head.model_dump(), "object": "chat.completion.chunk", **told})
        yield event("[DONE]")

    async def _completion_chunks(self, head: Head, generation: Generation) -> AsyncIterator[bytes]:
        try:
            async for piece in self.pieces(generation):
                choice = {"index": 0, "text": piece.text, "logprobs": None, "finish_reason": piece.finish or None}
                yield event({**head.model_dump(), "object": "text_completion", "choices": [choice]})
        except ServingError as problem:
            yield event(error(problem))
            return
        yield event("[DONE]")


def streamed(chunks: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"cache-control": "no-cache"})


async def hung_up(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.2)


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def prompts_of(prompt: str | list[str] | list[int]) -> list[str | list[int]]:
    if isinstance(prompt, str):
        return [prompt]
    if prompt and isinstance(prompt[0], int):
        return [[token for token in prompt if isinstance(token, int)]]
    return [text for text in prompt if isinstance(text, str)]


async def answer_error(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ServingError)
    headers = {"retry-after": "2"} if problem.status == 503 else {}
    return JSONResponse(error(problem), status_code=problem.status, headers=headers)


async def answer_invalid(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ValidationError)
    first = problem.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return JSONResponse(error(BadRequest(f"{where}: {first['msg']}.", param=where)), status_code=400)


__all__ = ["Sampling", "Service"]
