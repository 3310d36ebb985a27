"""From generations to a response: whole or streamed. A client that hangs up frees its slots."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from serving.bodies import DONE, Json, Shape, error, event, head, usage
from serving.engine import Engine, Receive, Ticket
from serving.envelope import Asked
from serving.failures import Busy, ServingError
from serving.request import Generation, Piece
from storage.serving import USAGE_HEADER


class Answering:
    """`most`: answers that are written or wait; further requests are sent away."""

    def __init__(self, engine: Engine, *, most: int) -> None:
        self._engine, self._most = engine, most
        self._under_way = 0

    async def respond(
        self, request: Request, asked: Asked, generations: Sequence[Generation], shape: Shape, *, prompts: int = 1
    ) -> Response:
        """`generations` are the answers to `prompts` prompts, each prompt's side by side."""
        read = sum(len(generation.prompt) for generation in generations) * prompts // len(generations)
        writing = self._pieces(generations)
        # The first piece decides whether it is an error or an answer: a stream's status is sent before its events.
        first = asyncio.ensure_future(anext(writing))
        await until(request, first)
        start = head(shape, asked.model)
        if asked.stream:
            wanted = Wanted(read, in_stream=asked.wants_usage, in_comment=USAGE_HEADER in request.headers)
            chunks = streamed(start, shape, first.result(), writing, wanted, len(generations))
            return StreamingResponse(chunks, media_type="text/event-stream", headers={"cache-control": "no-cache"})
        answers: list[list[Piece]] = [[] for _ in generations]
        rest = asyncio.ensure_future(gathered(answers, first.result(), writing))
        await until(request, rest)
        written = sum(piece.tokens for pieces in answers for piece in pieces)
        choices = [shape.answer(index, pieces) for index, pieces in enumerate(answers)]
        return JSONResponse({**start, "object": shape.whole, "choices": choices, "usage": usage(read, written)})

    async def _pieces(self, generations: Sequence[Generation]) -> AsyncIterator[tuple[int, Piece]]:
        """All answers' pieces as they come. Raises Busy, what the engine refuses, and where it broke off."""
        if self._under_way + len(generations) > self._most:
            raise Busy(f"{self._under_way} answers are being written or wait already. Try again in a moment.")
        loop, arrived = asyncio.get_running_loop(), asyncio.Queue[tuple[int, Piece]]()

        def hear(index: int, piece: Piece) -> None:
            with suppress(RuntimeError):  # the loop is closed: the worker ends
                loop.call_soon_threadsafe(arrived.put_nowait, (index, piece))

        tickets: list[Ticket] = []
        self._under_way += len(generations)
        try:
            for index, generation in enumerate(generations):
                tickets.append(await self._submitted(generation, partial(hear, index)))
            running = len(tickets)
            while running:
                index, piece = await arrived.get()
                if piece.finish == "aborted":
                    raise ServingError(piece.reason or "The model was unloaded while it answered. Try again.")
                running -= bool(piece.finish)
                yield index, piece
        finally:
            self._under_way -= len(generations)
            for ticket in tickets:
                ticket.cancel()

    async def _submitted(self, generation: Generation, receive: Receive) -> Ticket:
        """In a thread: a schema takes its time to compile. Who hangs up meanwhile leaves no answer behind."""
        submitting = asyncio.ensure_future(asyncio.to_thread(self._engine.submit, generation, receive))
        try:
            return await asyncio.shield(submitting)
        except asyncio.CancelledError:
            submitting.add_done_callback(lambda done: done.exception() or done.result().cancel())
            raise


async def until(request: Request, working: "asyncio.Future[object]") -> None:
    """Waits for `working`, or cancels it when the client is gone; raises what it raised."""
    gone = asyncio.ensure_future(hung_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    if working.cancelled():
        raise ServingError("The client hung up.")
    working.result()


async def hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def gathered(
    answers: list[list[Piece]], first: tuple[int, Piece], writing: AsyncIterator[tuple[int, Piece]]
) -> None:
    answers[first[0]].append(first[1])
    async with aclosing(writing):  # type: ignore[type-var]
        async for index, piece in writing:
            answers[index].append(piece)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a streamed answer says what it took: to the client, and in a last comment to whoever passes it on."""

    #: The prompts' tokens.
    read: int
    in_stream: bool
    in_comment: bool


async def streamed(
    start: Json,
    shape: Shape,
    first: tuple[int, Piece],
    writing: AsyncIterator[tuple[int, Piece]],
    wanted: Wanted,
    answers: int,
) -> AsyncIterator[bytes]:
    def chunk(choice: Json) -> bytes:
        return event(
            {**start, "object": shape.part, "choices": [choice], **({"usage": None} if wanted.in_stream else {})}
        )

    tokens, lengths = 0, [0] * answers
    for index in range(answers):
        if opening := shape.opening(index):
            yield chunk(opening)
    try:
        async with aclosing(from_first(first, writing)) as pieces:
            async for index, piece in pieces:
                tokens += piece.tokens
                if piece.text or piece.logprobs or piece.finish:
                    yield chunk(shape.chunk(index, piece, lengths[index]))
                lengths[index] += len(piece.text)
    except ServingError as problem:
        yield event(error(problem))
        return
    told = {"usage": usage(wanted.read, tokens)}
    if wanted.in_stream:
        yield event({**start, "object": shape.part, "choices": [], **told})
    yield DONE
    if wanted.in_comment:
        yield b": " + json.dumps(told).encode() + b"\n\n"


async def from_first(
    first: tuple[int, Piece], writing: AsyncIterator[tuple[int, Piece]]
) -> AsyncIterator[tuple[int, Piece]]:
    async with aclosing(writing):  # type: ignore[type-var]
        yield first
        async for indexed in writing:
            yield indexed
