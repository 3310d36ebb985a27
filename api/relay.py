"""One request carried to its worker and the answer carried back, piece by piece, for as long as the client listens."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.asked import Asked
from api.envelope import REQUEST_ID, in_stream, new_id, refusal
from api.tally import Tally
from core.errors import StudioError, Unavailable
from core.serving.endpoint import Visit
from storage.serving import ADAPTER_HEADER, USAGE_HEADER

#: A worker that is there takes a connection at once; how long it writes is the client's affair.
TIMEOUT = httpx.Timeout(None, connect=5.0)
GONE = "The worker ended while it answered. It is started again; ask again."
PASSED_ON = ("content-type", "cache-control", "retry-after")

log = logging.getLogger(__name__)


class Relay(Response):
    """Enters only when it is called, so that a client that hangs up while a model is loaded is noticed, too."""

    def __init__(self, path: str, asked: Asked, enter: Callable[[], Awaitable[Visit]]) -> None:
        self._path = path
        self._asked = asked
        self._enter = enter
        self._tally = Tally(is_streamed=asked.is_streamed)
        self._has_begun = self._has_failed = False
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = asyncio.ensure_future(self._answer(scope, receive, send))
        listening = asyncio.ensure_future(hung_up(receive))
        try:
            await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            if not answering.done():
                answering.cancel()  # closes the connection to the worker, which frees the slot there
            with contextlib.suppress(asyncio.CancelledError):
                await answering

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            visit = await self._enter()
        except StudioError as error:
            return await refusal(error)(scope, receive, send)
        try:
            socket = await visit.ready()
            await self._pass_on(visit, socket, send)
        except StudioError as error:
            self._has_failed = True
            await refusal(error)(scope, receive, send)
        except httpx.HTTPError as error:
            self._has_failed = True
            log.warning("A worker broke off: %s", error)
            await self._break_off(scope, receive, send)
        finally:
            visit.leave(self._tally.answered(failed=self._has_failed))

    async def _pass_on(self, visit: Visit, socket: Path, send: Send) -> None:
        headers = {"content-type": "application/json", ADAPTER_HEADER: visit.seat.adapter, USAGE_HEADER: "1"}
        transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT) as client,
            client.stream("POST", f"http://worker{self._path}", content=self._asked.body, headers=headers) as answer,
        ):
            await send(self._head(answer))
            self._has_begun = True
            async for chunk in answer.aiter_raw():
                if shown := self._tally.see(chunk):
                    await send({"type": "http.response.body", "body": shown, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            self._has_failed = answer.status_code >= HTTPStatus.BAD_REQUEST

    def _head(self, answer: httpx.Response) -> dict[str, Any]:
        kept = [(name.encode(), answer.headers[name].encode()) for name in PASSED_ON if name in answer.headers]
        headers = [*kept, (REQUEST_ID.encode(), new_id().encode())]
        return {"type": "http.response.start", "status": answer.status_code, "headers": headers}

    async def _break_off(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._has_begun:
            return await refusal(Unavailable(GONE))(scope, receive, send)
        last = in_stream("model_loading", GONE) if self._asked.is_streamed else b""
        await send({"type": "http.response.body", "body": last})


async def hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
