"""The worker's side of `serving.prompt_child`: one question at a time, and a new child where one does not get on."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable
from typing import Any

import orjson

from serving import failures
from serving.failures import BadRequest, ServingError
from storage.spec import ModelRef

#: Seconds for one prompt. Its template has ten of processor time (training.limits); what passes them is stuck in C.
LIMIT_S = 40.0
START_LIMIT_S = 120.0
#: transformers tells everybody that there is no torch.
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false"}


class PromptWriter:
    """Messages into tokens."""

    def __init__(self, model: ModelRef, context_length: int) -> None:
        self._begin = {"model": model.model_dump(mode="json"), "context_length": context_length}
        self._child: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Raises ServingError where the tokenizer cannot be loaded."""
        async with self._turn:
            await self._running()

    async def chat(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> tuple[int, ...]:
        return await self._ask({"messages": messages, "tools": tools or []})

    async def text(self, prompt: str | list[int]) -> tuple[int, ...]:
        return await self._ask({"prompt": prompt})

    async def close(self) -> None:
        await self._end()

    async def _ask(self, question: dict[str, Any]) -> tuple[int, ...]:
        """Raises BadRequest or TooLong. A question that was sent is waited for, whoever hangs up."""
        return await asyncio.shield(asyncio.ensure_future(self._answered(question)))

    async def _answered(self, question: dict[str, Any]) -> tuple[int, ...]:
        async with self._turn:
            child = await self._running()
            try:
                answer = await self._within(LIMIT_S, said(child, question))
            except (TimeoutError, EOFError, OSError) as error:
                await self._end()
                raise BadRequest("The model's chat template did not come to an end.", param="messages") from error
        if "refused" in answer:
            raise getattr(failures, answer["refused"])(answer["message"], answer["param"])
        return tuple(answer["tokens"])

    async def _running(self) -> Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "serving.prompt_child", stdin=PIPE, stdout=PIPE, env=dict(os.environ) | QUIET
        )
        self._child = child
        try:
            await self._within(START_LIMIT_S, said(child, self._begin))
        except (TimeoutError, EOFError, OSError) as error:
            await self._end()
            raise ServingError(
                "The model's tokenizer could not be loaded. The worker's log has the details."
            ) from error
        return child

    @staticmethod
    async def _within(seconds: float, answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            return await answer

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


async def said(child: Process, question: dict[str, Any]) -> dict[str, Any]:
    """One frame there, one back."""
    assert child.stdin
    assert child.stdout
    body = orjson.dumps(question)
    child.stdin.write(len(body).to_bytes(4, "big") + body)
    await child.stdin.drain()
    size = int.from_bytes(await child.stdout.readexactly(4), "big")
    answer: dict[str, Any] = orjson.loads(await child.stdout.readexactly(size))
    return answer
