"""The endpoint's own answers, before any worker: which models there are, and OpenAI's envelope for every refusal."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import endpoint
from api.asked import MOST_BYTES
from core.people import Actor
from core.studio import Studio
from storage.spec import ModelRef

ALICE = Actor("Alice", "alice@example.org")
CHAT = "/chat/completions"


@pytest.fixture
async def client(studio: Studio, model: ModelRef) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(endpoint(studio), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://studio") as client:
        yield client


def told(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"]
    return answer.status_code, error["code"], error["param"]


async def test_models_and_deployments_are_listed_once_each(client: httpx.AsyncClient, studio: Studio) -> None:
    studio.deployments.create("nobody.tiny", "tiny", actor=ALICE)
    listed = (await client.get("/models")).json()
    assert {one["id"] for one in listed["data"]} == {"nobody.tiny", "tiny", "nobody/tiny"}
    assert all(one["object"] == "model" and one["created"] > 0 for one in listed["data"])
    assert (await client.get("/models/nobody/tiny")).json()["owned_by"] == "Nobody"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "invalid_json", None)),
        (b"[]", (400, "invalid_type", None)),
        (b"{}", (400, "missing_required_parameter", "model")),
        (b'{"model": 7}', (400, "missing_required_parameter", "model")),
        (b'{"model": "nobody"}', (404, "model_not_found", "model")),
        (b'{"model": "' + b"x" * 300 + b'"}', (404, "model_not_found", "model")),
        (b'{"model": "tiny"}', (503, "model_loading", "model")),  # this studio is open and serves nothing
        (b" " * (MOST_BYTES + 1), (413, "request_too_large", None)),
    ],
)
async def test_a_refusal_is_openais(
    client: httpx.AsyncClient, body: bytes, expected: tuple[int, str, str | None]
) -> None:
    answer = await client.post(CHAT, content=body)
    assert told(answer) == expected
    assert ("retry-after" in answer.headers) is (answer.status_code == 503)


async def test_a_body_without_a_length_is_bound_too(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES // 1024**2 + 2):
            yield b" " * 1024**2

    assert told(await client.post(CHAT, content=endless()))[0] == 413


async def test_paths_and_methods_that_there_are_not(client: httpx.AsyncClient) -> None:
    assert told(await client.get("/engines"))[:2] == (404, "unknown_url")
    assert told(await client.get(CHAT))[:2] == (405, "method_not_allowed")
    assert told(await client.get("/models/nobody"))[:2] == (404, "model_not_found")


async def test_a_missing_model_names_what_there_is_and_a_stopped_one_the_way_back(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    studio.deployments.create("support", "tiny", actor=ALICE)
    missing = (await client.post(CHAT, content=b'{"model": "nobody"}')).json()["error"]["message"]
    assert "Available: support, " in missing
    studio.deployments.stop("support", actor=ALICE)
    stopped = (await client.post(CHAT, content=b'{"model": "support"}')).json()["error"]["message"]
    assert "tunesmith deployments start support" in stopped
    assert "support" not in {one["id"] for one in (await client.get("/models")).json()["data"]}
