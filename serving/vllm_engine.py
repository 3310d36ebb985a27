"""vLLM on a CUDA device: continuous batching and different LoRA adapters in one pass, by vLLM's own server as a child.

It has met a stand-in only (`serving/simulated_vllm.py`): where this was written there was no GPU. What is asked of vLLM
was read in its sources and documentation, versions 0.11 to 0.33.
"""

import asyncio
import json
import threading
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx

from serving.ends import ends_of
from serving.engine import Load, Receive, Tell
from serving.failures import NoSuchModel, ServingError, TooLong
from serving.request import BASE, Generation, Piece
from serving.vllm_adapters import VllmAdapters, json_of
from serving.vllm_command import rank_of
from serving.vllm_server import VllmServer
from serving.vllm_words import BROKE_OFF, message_of, piece_of, refusal_of, request_of
from storage.serving import WorkerSpec

EVENT = "data: "
GONE = "vLLM ended while it answered. It is started again; ask again."


class Listening:
    """One answer that vLLM is writing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
        self._loop, self._task = loop, task

    def cancel(self) -> None:
        """The connection is closed, which vLLM takes for a client that hangs up."""
        self._loop.call_soon_threadsafe(self._task.cancel)


class VllmEngine:
    """A thread of its own talks to vLLM; `submit`, `load_adapter` and the rest are called from others."""

    name = "vllm"

    def __init__(self, server: VllmServer, spec: WorkerSpec) -> None:
        self.context_length = spec.context_length
        self._server, self._base, self._slots = server, spec.base_name, spec.slots
        self._adapters = VllmAdapters(server, rank_of(spec))
        self._ends = ends_of(Path(spec.model.path))
        self._answers: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()
        transport = httpx.AsyncHTTPTransport(uds=str(server.socket), verify=False, limits=httpx.Limits())
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://vllm", headers=server.headers, trust_env=False, timeout=None
        )

    def submit(self, generation: Generation, receive: Receive) -> Listening:
        """Waits until vLLM has taken the request or said why it does not; not for its answer."""
        room = self.context_length - len(generation.prompt)
        if room < 1:
            raise TooLong(
                f"The prompt has {len(generation.prompt)} tokens; this model's context holds {self.context_length}.",
                param="messages",
            )
        model = self._base if generation.adapter == BASE else self._adapters.find(generation.adapter)
        if model is None:
            raise NoSuchModel(f"The adapter “{generation.adapter}” is not loaded any more.", param="model")
        asked = request_of(generation, model, self._ends, room)
        begun = self._begin(asked, generation.sampling.top_logprobs, receive)
        return asyncio.run_coroutine_threadsafe(begun, self._loop).result()

    def load_adapter(self, name: str, folder: Path) -> None:
        self._adapters.load(name, folder)

    def drop_adapter(self, name: str) -> None:
        self._adapters.drop(name)

    def adapters(self) -> list[str]:
        return self._adapters.names()

    def load(self) -> Load:
        under_way = len(self._answers)
        return Load(running=min(under_way, self._slots), waiting=max(0, under_way - self._slots), slots=self._slots)

    def close(self) -> None:
        self._server.end()

    async def _begin(self, asked: dict[str, Any], wanted: int | None, receive: Receive) -> Listening:
        request = self._client.build_request("POST", "/v1/completions", json=asked)
        try:
            answer = await self._client.send(request, stream=True)
            if answer.is_error:
                await answer.aread()
                raise refusal_of(answer.status_code, json_of(answer))
        except httpx.HTTPError as error:
            raise ServingError(GONE) from error
        task = self._loop.create_task(self._listen(answer, wanted, receive))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        return Listening(self._loop, task)

    async def _listen(self, answer: httpx.Response, wanted: int | None, receive: Receive) -> None:
        """Its pieces until the last one; an answer that ends without one was broken off."""
        try:
            async with aclosing(answer.aiter_lines()) as lines:  # type: ignore[type-var]
                async for line in lines:
                    if piece := self._piece(line, wanted):
                        receive(piece)
                        if piece.finish:
                            return
            receive(Piece(finish="aborted", reason=BROKE_OFF))
        except httpx.HTTPError:
            receive(Piece(finish="aborted", reason=GONE))
        finally:
            await answer.aclose()

    def _piece(self, line: str, wanted: int | None) -> Piece | None:
        """What one line of the event stream says; an error after the answer has begun is one, too."""
        if not line.startswith(EVENT + "{"):
            return None
        told = json.loads(line.removeprefix(EVENT))
        if "error" in told:
            return Piece(finish="aborted", reason=f"vLLM could not go on with this answer: {message_of(told)}.")
        return piece_of(told["choices"][0], wanted, self._ends) if told.get("choices") else None


def vllm_engine(spec: WorkerSpec, folder: Path, tell: Tell, broken: "Future[None]") -> VllmEngine:
    """Starts vLLM and waits until it answers. Raises CannotHold with its cause. `broken` hears when it ends."""
    tell("vLLM starts", 0, 0)
    server = VllmServer(spec, folder, broken)
    try:
        server.wait_until_ready(tell)
        engine = VllmEngine(server, spec)
        for adapter in spec.adapters:
            engine.load_adapter(adapter.name, Path(adapter.folder))
    except BaseException:
        server.end()
        raise
    return engine
