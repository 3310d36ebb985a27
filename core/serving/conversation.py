"""One answer for one of our own pages, as it is written: the same way to the worker as through the endpoint."""

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import httpx

from core.errors import BadInput, StudioError, Unavailable
from core.serving.counters import Answered
from core.serving.endpoint import Visit
from storage.serving import ADAPTER_HEADER

Message = dict[str, str]
#: At 1, OpenAI's default, a small model rambles.
TEMPERATURE = 0.7
TIMEOUT = httpx.Timeout(None, connect=5.0)


async def answer(visit: Visit, name: str, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
    """The answer's text in pieces. Close it to stop. Raises StudioError; leaves the visit whatever comes of it."""
    began, first_s, pieces, failed = time.monotonic(), None, 0, True
    read = 0
    try:
        asked = {
            "model": name,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": TEMPERATURE,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async with aclosing(_lines(visit, asked)) as lines:
            async for line in lines:
                read = read_of(line) or read
                if text := text_of(line):
                    pieces += 1
                    first_s = first_s or time.monotonic() - began
                    yield text
        failed = False
    except GeneratorExit:
        failed = False  # whoever reads has enough
        raise
    except httpx.HTTPError as error:
        raise Unavailable("The worker ended while it answered. It is started again; ask again.") from error
    finally:
        took_s = time.monotonic() - began
        visit.leave(
            Answered(took_s=took_s, first_s=first_s, prompt_tokens=read, completion_tokens=pieces, failed=failed)
        )


async def _lines(visit: Visit, asked: dict[str, object]) -> AsyncGenerator[str]:
    transport = httpx.AsyncHTTPTransport(uds=str(await visit.ready()), verify=False)
    headers = {ADAPTER_HEADER: visit.seat.adapter}
    async with (
        httpx.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT) as client,
        client.stream("POST", "http://worker/v1/chat/completions", json=asked, headers=headers) as told,
    ):
        if told.is_error:
            await told.aread()
            raise BadInput(message_of(told.json()))
        async for line in told.aiter_lines():
            yield line


def text_of(line: str) -> str:
    """What one line of an event stream adds to the answer. Raises StudioError where it tells of an error."""
    if not line.startswith("data: {"):
        return ""
    told = json.loads(line.removeprefix("data: "))
    if "error" in told:
        raise StudioError(message_of(told))
    return "".join(str(choice["delta"].get("content") or "") for choice in told["choices"])


def read_of(line: str) -> int:
    """The prompt's tokens, where this is the line that says them."""
    if '"choices": []' not in line:
        return 0
    return int((json.loads(line.removeprefix("data: ")).get("usage") or {}).get("prompt_tokens") or 0)


def message_of(told: object) -> str:
    """What an error envelope says."""
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("message")) if isinstance(error, dict) else "It was refused without a reason."
